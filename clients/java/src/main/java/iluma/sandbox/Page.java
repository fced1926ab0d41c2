package iluma.sandbox;

import java.util.AbstractList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/** A list with facts about the whole result. */
public final class Page<T> extends AbstractList<T> {
    private final List<T> items;
    private final Map<?, ?> answer;

    Page(List<T> items, Map<?, ?> answer) {
        this.items = items;
        this.answer = answer;
    }

    @Override
    public T get(int at) {
        return items.get(at);
    }

    @Override
    public int size() {
        return items.size();
    }

    /** The total number, whatever the limit. */
    public long matched() {
        return number("matched").orElse(number("matching").orElse(size()));
    }

    /** The number of entries that the sandbox has dropped, matching or not. */
    public long dropped() {
        return number("dropped").orElse(0);
    }

    /** Whether dropped entries could have matched. */
    public boolean reachesIntoDropped() {
        return Boolean.TRUE.equals(answer.get("reaches_into_dropped"));
    }

    /** The number of the newest entry. {@code afterSeq} with it finds later entries. */
    public long lastSeq() {
        return number("last_seq").orElse(0);
    }

    /** Send it as {@code beforeSeq} to get the next page; if the oldest come first, as {@code afterSeq}. Empty on the last page. */
    public OptionalLong next() {
        return number("next");
    }

    private OptionalLong number(String name) {
        return answer.get(name) instanceof Long number ? OptionalLong.of(number) : OptionalLong.empty();
    }
}
