package iluma.sandbox.suites;

import static org.junit.jupiter.api.Assertions.assertEquals;

import iluma.sandbox.ConnectOptions;
import iluma.sandbox.IlumaSandbox;
import iluma.sandbox.Sandbox;
import iluma.sandbox.SandboxOptions;
import iluma.sandbox.World;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Suites with options. Prints the sandboxes that they use. */
public final class Configured {
    private static final Set<String> URLS = ConcurrentHashMap.newKeySet();

    private Configured() {}

    static void use(World world, String clock) {
        URLS.add(world.url());
        System.out.println("clock " + clock + " " + world.now() + ", sandboxes " + new HashSet<>(URLS).size());
    }

    public static final class InMay {
        @RegisterExtension
        static final IlumaSandbox ILUMA = IlumaSandbox.with(new SandboxOptions().clock("2026-05-01T00:00:00Z"));

        @Test
        void test(World world) {
            use(world, "May");
        }
    }

    public static final class AlsoInMay {
        @RegisterExtension
        static final IlumaSandbox ILUMA = IlumaSandbox.with(new SandboxOptions().clock("2026-05-01T00:00:00Z"));

        @Test
        void test(World world) {
            use(world, "May");
        }
    }

    public static final class Connected {
        @RegisterExtension
        static final IlumaSandbox ILUMA = IlumaSandbox.from(() -> Sandbox.connect(
                new ConnectOptions().url(System.getProperty("url")).controlToken(System.getProperty("token"))));

        @Test
        void test(World world, Sandbox sandbox) {
            assertEquals(System.getProperty("url"), sandbox.url());
            use(world, "of another");
        }
    }
}
