package iluma.sandbox;

import java.util.List;

/**
 * One try to deliver a callback. A value is null if there is none.
 *
 * @param at by the world's clock
 * @param sentAt by the machine's clock
 * @param status the status of the receiver's answer
 * @param addresses the addresses of the receiver, in the order in which they were tried
 */
public record Attempt(
        String at,
        String sentAt,
        String request,
        Integer status,
        String answer,
        String error,
        long durationMs,
        List<TriedAddress> addresses,
        String hostMap,
        String location,
        String answerLine) {

    /** An address of a receiver. The error is null for the one that was reached. */
    public record TriedAddress(String address, String error) {}
}
