package iluma.sandbox;

import java.lang.reflect.Method;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.DynamicTestInvocationContext;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.opentest4j.TestAbortedException;

/**
 * The JUnit 5 extension: one sandbox for the whole run, one {@link World} for each test.
 *
 * <p>Use {@code @ExtendWith(IlumaSandbox.class)}, or {@code @RegisterExtension static final IlumaSandbox} with options. A test
 * method, and {@code @BeforeEach} and {@code @AfterEach}, can take a {@code World}; every method can take the {@code Sandbox}.
 */
public final class IlumaSandbox implements ParameterResolver, AfterEachCallback, InvocationInterceptor {
    /** A configuration parameter of JUnit: {@code true} does for all tests what {@link #failOnUnused} does. */
    public static final String FAIL_ON_UNUSED = "iluma.sandbox.fail-on-unused";

    private static final Namespace NAMESPACE = Namespace.create(IlumaSandbox.class);
    /** The maximum length of a world's name. */
    private static final int NAME_MAX = 200;
    private static final Pattern INVOCATION = Pattern.compile("\\[test-template-invocation:#(\\d+)]");

    private final Supplier<Sandbox> source;
    private final Object sourceKey;
    private boolean failOnUnused;

    /** Uses the sandbox at {@code ILUMA_SANDBOX_URL} if that is set, and else starts one. */
    public IlumaSandbox() {
        this(new SandboxOptions());
    }

    private IlumaSandbox(SandboxOptions options) {
        this(() -> connectOrStart(options), options.facts());
    }

    private IlumaSandbox(Supplier<Sandbox> source, Object sourceKey) {
        this.source = source;
        this.sourceKey = sourceKey;
    }

    /** The same with options for a sandbox that is started. Extensions with equal options share one sandbox. */
    public static IlumaSandbox with(SandboxOptions options) {
        return new IlumaSandbox(options);
    }

    /** Uses the sandbox that the function returns: {@code IlumaSandbox.from(() -> Sandbox.connect(…))}. */
    public static IlumaSandbox from(Supplier<Sandbox> source) {
        return new IlumaSandbox(source, source);
    }

    /** Lets a test fail that leaves something unused in its world, as {@link World#verifyUsed} says. */
    public IlumaSandbox failOnUnused() {
        this.failOnUnused = true;
        return this;
    }

    private static Sandbox connectOrStart(SandboxOptions options) {
        return Sandbox.variable("ILUMA_SANDBOX_URL") == null ? Sandbox.start(options) : Sandbox.connect();
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        Class<?> type = parameter.getParameter().getType();
        return type == World.class || type == Sandbox.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        if (parameter.getParameter().getType() == Sandbox.class) {
            return run(context).sandbox();
        }
        if (context.getTestMethod().isEmpty()) {
            throw new ParameterResolutionException("a World belongs to one test: take it in the test method, in @BeforeEach or"
                    + " in @AfterEach; constructors and @BeforeAll can take the Sandbox");
        }
        TestWorld test = store(context).get(TestWorld.class, TestWorld.class);
        if (test == null) {
            test = run(context).world(worldName(context));
            store(context).put(TestWorld.class, test);
        }
        return test.world;
    }

    /** Shows the world of a failed test, or checks that a test has used everything. Then the world ends. */
    @Override
    public void afterEach(ExtensionContext context) {
        TestWorld test = store(context).remove(TestWorld.class, TestWorld.class);
        if (test == null) {
            return;
        }
        try (test) {
            boolean hasThrown = context.getExecutionException().isPresent();
            if (hasThrown && !(context.getExecutionException().get() instanceof TestAbortedException)) {
                test.show();
            }
            if (!hasThrown && !test.hasFailed && isStrict(context)) {
                test.world.verifyUsed();
            }
        }
    }

    /** A dynamic test shares the world of its factory, which does not see the failure. */
    @Override
    public void interceptDynamicTest(
            Invocation<Void> invocation, DynamicTestInvocationContext dynamicTest, ExtensionContext context) throws Throwable {
        try {
            invocation.proceed();
        } catch (Throwable failure) {
            TestWorld test = store(context).get(TestWorld.class, TestWorld.class);
            if (test != null && !(failure instanceof TestAbortedException)) {
                test.show();
            }
            throw failure;
        }
    }

    private boolean isStrict(ExtensionContext context) {
        String parameter = context.getConfigurationParameter(FAIL_ON_UNUSED).orElse("false").strip();
        if (!parameter.equals("true") && !parameter.equals("false")) {
            throw new ExtensionConfigurationException("`" + FAIL_ON_UNUSED + "` is true or false, and not `" + parameter + "`");
        }
        return failOnUnused || parameter.equals("true");
    }

    /** The sandbox of the run. JUnit closes it after the last test. */
    private Run run(ExtensionContext context) {
        return store(context.getRoot()).getOrComputeIfAbsent(sourceKey, key -> new Run(source.get()), Run.class);
    }

    private static Store store(ExtensionContext context) {
        return context.getStore(NAMESPACE);
    }

    /** Class, method and the number of a repetition, so that ids are the same in every run. */
    private static String worldName(ExtensionContext context) {
        Method method = context.getRequiredTestMethod();
        String others = Arrays.stream(method.getParameterTypes())
                .filter(type -> type != World.class && type != Sandbox.class)
                .map(Class::getSimpleName)
                .collect(Collectors.joining(", "));
        String test = className(context) + "." + method.getName() + (others.isEmpty() ? "" : "(" + others + ")");
        Matcher invocation = INVOCATION.matcher(context.getUniqueId());
        return invocation.find() ? test + " #" + invocation.group(1) : test;
    }

    /** The class that runs, and the nested ones. Several classes can inherit the same nested class. */
    private static String className(ExtensionContext context) {
        Class<?> type = context.getRequiredTestClass();
        Optional<ExtensionContext> parent = context.getParent().filter(one -> one.getTestClass().isPresent());
        if (parent.isEmpty()) {
            return type.getName();
        }
        String outer = className(parent.get());
        return parent.get().getRequiredTestClass() == type ? outer : outer + "$" + type.getSimpleName();
    }

    /** If the name is too long, it ends with its hash. */
    static String shortened(String name) {
        if (name.codePointCount(0, name.length()) <= NAME_MAX) {
            return name;
        }
        return name.substring(0, name.offsetByCodePoints(0, NAME_MAX - 18)) + "… " + hash(name).substring(0, 16);
    }

    private static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return String.format("%064x", new BigInteger(1, digest));
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException("every JDK has SHA-256", error);
        }
    }

    /** A sandbox, and the names of the worlds that tests use now. */
    private record Run(Sandbox sandbox, Set<String> names) implements Store.CloseableResource {
        Run(Sandbox sandbox) {
            this(sandbox, ConcurrentHashMap.newKeySet());
        }

        /** A fresh world. If tests with the same name run at the same time, the second is {@code name (2)}. */
        TestWorld world(String name) {
            String free = shortened(name);
            for (int nth = 2; !names.add(free); nth++) {
                free = shortened(name + " (" + nth + ")");
            }
            try {
                // If the sandbox has kept this world from an earlier run, it is emptied.
                return new TestWorld(this, sandbox.resetWorld(free));
            } catch (RuntimeException error) {
                names.remove(free);
                throw error;
            }
        }

        @Override
        public void close() {
            sandbox.close();
        }
    }

    /** The world of a test that runs. */
    private static final class TestWorld implements AutoCloseable {
        final Run run;
        final World world;
        volatile boolean hasFailed;

        TestWorld(Run run, World world) {
            this.run = run;
            this.world = world;
        }

        /** Prints the latest requests and callbacks, where runners show the output of the test. */
        void show() {
            hasFailed = true;
            String summary;
            try {
                summary = world.summary();
            } catch (SandboxException error) {
                summary = error.getMessage();
            }
            System.err.println(world.name() + " failed:\n" + summary.stripTrailing());
        }

        @Override
        public void close() {
            try {
                world.end();
            } finally {
                run.names.remove(world.name());
            }
        }
    }
}
