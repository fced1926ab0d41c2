package iluma.sandbox;

import java.util.List;

/**
 * What was still pending in a world when it ended.
 *
 * @param callbacks callbacks that were not sent yet or waited for a retry
 * @param moreCallbacks the number of callbacks that are not shown
 * @param queued the number of outcomes that no call had used
 * @param faults the number of faults that were still active
 */
public record Ended(List<Delivery> callbacks, long moreCallbacks, long queued, long faults) {}
