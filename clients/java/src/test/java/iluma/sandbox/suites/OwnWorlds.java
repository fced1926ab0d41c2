package iluma.sandbox.suites;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import iluma.sandbox.IlumaSandbox;
import iluma.sandbox.Product;
import iluma.sandbox.Sandbox;
import iluma.sandbox.World;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every kind of test has a world of its own, in the sandbox of the run. */
@ExtendWith(IlumaSandbox.class)
abstract class OwnWorldsOf {
    private static Sandbox ofTheRun;

    private World before;

    @BeforeAll
    static void takeTheSandbox(Sandbox sandbox) {
        ofTheRun = sandbox;
    }

    @BeforeEach
    void takeTheWorld(World world) {
        before = world;
    }

    @AfterEach
    void theWorldIsTheSame(World world) {
        assertSame(before, world);
    }

    void useIt(World world, String name) {
        assertSame(before, world);
        assertEquals(getClass().getName() + name, world.name());
        assertEquals(List.of(), world.requests());
        assertEquals(200, Product.check(world, "1234567890").status());
        assertEquals(1, world.requests().size());
    }

    @Test
    void one(World world, Sandbox sandbox) {
        assertSame(ofTheRun, sandbox);
        useIt(world, ".one");
    }

    @Test
    void two(World world) {
        useIt(world, ".two");
        try (World elsewhere = ofTheRun.world(getClass().getName() + " elsewhere")) {
            assertNotEquals(world.apiKey(), elsewhere.apiKey());
            String record = (String) Product.check(world, "1234567890").json().get("id");
            assertEquals(404, Product.get(elsewhere, Product.BANK_PATH + "/" + record).status());
        }
    }

    @RepeatedTest(2)
    void again(World world) {
        assertEquals(List.of(), world.requests());
        Product.check(world, "1234567890");
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 500})
    void withArguments(int status, World world) {
        useIt(world, status == 200 ? ".withArguments(int) #1" : ".withArguments(int) #2");
    }

    @TestFactory
    Stream<DynamicTest> made(World world) {
        return Stream.of(1, 2).map(n -> DynamicTest.dynamicTest("n", () -> world.requests()));
    }

    @Nested
    class Inside {
        @Test
        void three(World world) {
            assertEquals(OwnWorldsOf.this.getClass().getName() + "$Inside.three", world.name());
        }
    }
}

/** The same tests in several classes, which run in parallel. */
public final class OwnWorlds {
    private OwnWorlds() {}

    public static final class First extends OwnWorldsOf {}

    public static final class Second extends OwnWorldsOf {}

    public static final class Third extends OwnWorldsOf {}

    /** Runs after the others: their worlds have ended. */
    @ExtendWith(IlumaSandbox.class)
    public static final class Last {
        @Test
        void worldsEndWithTheirTests(Sandbox sandbox) {
            List<?> worlds = (List<?>) ((Map<?, ?>) sandbox.call("GET", "worlds")).get("worlds");
            assertEquals(List.of(), worlds.stream().filter(one -> ((Map<?, ?>) one).get("name") != null).toList());
        }
    }
}
