package iluma.sandbox.suites;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import iluma.sandbox.IlumaSandbox;
import iluma.sandbox.Product;
import iluma.sandbox.Query;
import iluma.sandbox.World;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Suites whose tests fail. */
public final class Failing {
    private Failing() {}

    @ExtendWith(IlumaSandbox.class)
    public static final class Forgetful {
        @Test
        void forgetsToAdvance(World world) {
            Product.register(world, world.inbox().url());
            Product.check(world, "1234567890", "x-magic-reply", "PENDING_THEN_COMPLETED_FOUND");
            world.verify(Query.any().status(500));
        }

        @Test
        void passes(World world) {
            Product.check(world, "1234567890");
        }

        @Test
        void isNotFor(World world) {
            abort("this machine");
        }
    }

    @ExtendWith(IlumaSandbox.class)
    public static final class FailsAfterwards {
        @AfterEach
        void fails(World world) {
            fail("afterwards");
        }

        @Test
        void passesUntilThen(World world) {}
    }

    @ExtendWith(IlumaSandbox.class)
    public static final class Dynamic {
        @TestFactory
        Stream<DynamicTest> factory(World world) {
            world.next(Product.BANK, "SERVER_ERROR");
            return Stream.of(
                    DynamicTest.dynamicTest("passes", () -> {}), DynamicTest.dynamicTest("fails", () -> fail("a dynamic test")));
        }
    }

    public static class Leaving {
        @Test
        void leavesAnOutcome(World world) {
            world.next(Product.BANK, "SERVER_ERROR");
        }

        @Test
        void failsByItself(World world) {
            world.next(Product.BANK, "SERVER_ERROR");
            fail("by itself");
        }

        @Test
        void usesTheOutcome(World world) {
            world.next(Product.BANK, "SERVER_ERROR");
            Product.check(world, "1234567890");
        }

        @Test
        void hasNoWorld() {}
    }

    @ExtendWith(IlumaSandbox.class)
    public static final class Lenient extends Leaving {}

    public static final class Strict extends Leaving {
        @RegisterExtension
        static final IlumaSandbox ILUMA = new IlumaSandbox().failOnUnused();
    }

    @ExtendWith(IlumaSandbox.class)
    public static final class WorldOfAClass {
        WorldOfAClass(World world) {}

        @Test
        void neverRuns() {}
    }
}
