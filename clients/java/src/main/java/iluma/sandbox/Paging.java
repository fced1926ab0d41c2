package iluma.sandbox;

import java.util.Map;

/** Which of the matching requests are returned: {@code Paging.oldestFirst().limit(10)}. */
public final class Paging {
    private final String order;
    private final Long beforeSeq;
    private final Integer limit;

    private Paging(String order, Long beforeSeq, Integer limit) {
        this.order = order;
        this.beforeSeq = beforeSeq;
        this.limit = limit;
    }

    public static Paging newestFirst() {
        return new Paging("newest", null, null);
    }

    public static Paging oldestFirst() {
        return new Paging("oldest", null, null);
    }

    /** Only requests before this number. {@link Page#next} is the one for the next page. */
    public Paging beforeSeq(long seq) {
        return new Paging(order, seq, limit);
    }

    public Paging limit(int limit) {
        return new Paging(order, beforeSeq, limit);
    }

    Map<String, Object> parameters() {
        return Wire.given("order", order, "before_seq", beforeSeq, "limit", limit);
    }
}
