package iluma.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import iluma.sandbox.suites.Configured;
import iluma.sandbox.suites.Failing;
import iluma.sandbox.suites.OwnWorlds;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The JUnit extension, in runs of their own. */
class IlumaSandboxTest {
    private static final String UNUSED = "the test left things unused: 1 queued outcome, 0 faults and 0 callbacks\n"
            + "  outcome SERVER_ERROR is queued for v1.1/bank_account_data_requests, and the request for it never came";
    private static final List<String> ONE_BY_ONE = List.of("-Djunit.jupiter.execution.parallel.enabled=false");

    private static final Map<String, String> NOTHING = Map.of();

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void eachTestHasAWorldOfItsOwnAlsoInParallelClasses(boolean isParallel) {
        List<String> properties = List.of("-Djunit.jupiter.execution.parallel.enabled=" + isParallel);
        Class<?>[] suites = {OwnWorlds.First.class, OwnWorlds.Second.class, OwnWorlds.Third.class};
        assertEnds("27 succeeded, 0 failed, 0 aborted", NestedRun.ofSuites(NOTHING, properties, suites));
    }

    @Test
    void worldsEndWithTheirTests() {
        List<String> inTheOrderOfNames = List.of(
                ONE_BY_ONE.get(0), "-Djunit.jupiter.testclass.order.default=org.junit.jupiter.api.ClassOrderer$ClassName");
        String printed = NestedRun.ofSuites(NOTHING, inTheOrderOfNames, OwnWorlds.First.class, OwnWorlds.Last.class);
        assertEnds("10 succeeded, 0 failed, 0 aborted", printed);
    }

    @Test
    void aFailedTestShowsItsWorldWithACallbackThatWaitsForTheClock() {
        String printed = NestedRun.ofSuites(NOTHING, ONE_BY_ONE, Failing.Forgetful.class);
        assertEnds("1 succeeded, 1 failed, 1 aborted", printed);
        assertContains(Failing.Forgetful.class.getName() + ".forgetsToAdvance failed:\nworld ", printed);
        assertContains("POST /v1.1/identity/bank_account_data_requests → 200 PENDING_THEN_COMPLETED_FOUND\n1 callback:\n", printed);
        assertContains("NAME_VALIDATOR_REQUEST is still pending until 2026-01-01T00:00:01.000Z, in 1s; advance the clock", printed);
        assertContains("status: expected 500, received 200", printed);
        assertEquals(1, count(" failed:\n", printed), printed);
    }

    @Test
    void aTestThatFailsInItsLastStepShowsItsWorldToo() {
        String printed = NestedRun.ofSuites(NOTHING, ONE_BY_ONE, Failing.FailsAfterwards.class);
        assertEnds("0 succeeded, 1 failed, 0 aborted", printed);
        assertContains(".passesUntilThen failed:\nworld ", printed);
    }

    @Test
    void aDynamicTestThatFailsShowsTheWorldOfItsFactoryAndNoTestFailsTwice() {
        List<String> strict = List.of(ONE_BY_ONE.get(0), "-D" + IlumaSandbox.FAIL_ON_UNUSED + "=true");
        String printed = NestedRun.ofSuites(NOTHING, strict, Failing.Dynamic.class);
        assertEnds("1 succeeded, 1 failed, 0 aborted", printed);
        assertContains(".factory failed:\nworld ", printed);
        assertFalse(printed.contains("left things unused"), printed);
    }

    @Test
    void aStrictSuiteFailsATestThatLeavesSomethingUnusedAndNoTestTwice() {
        String printed = NestedRun.ofSuites(NOTHING, ONE_BY_ONE, Failing.Strict.class);
        assertEnds("2 succeeded, 2 failed, 0 aborted", printed);
        assertContains(UNUSED, printed);
        assertEquals(1, count("left things unused", printed), printed);
        assertContains("by itself", printed);
    }

    @Test
    void aParameterOfJunitMakesAllSuitesStrictAndNothingElseDoes() {
        String lenient = NestedRun.ofSuites(NOTHING, ONE_BY_ONE, Failing.Lenient.class);
        assertEnds("3 succeeded, 1 failed, 0 aborted", lenient);
        List<String> strict = List.of(ONE_BY_ONE.get(0), "-Diluma.sandbox.fail-on-unused=true");
        assertEnds("2 succeeded, 2 failed, 0 aborted", NestedRun.ofSuites(NOTHING, strict, Failing.Lenient.class));
        List<String> misspelt = List.of(ONE_BY_ONE.get(0), "-Diluma.sandbox.fail-on-unused=yes");
        String refused = NestedRun.ofSuites(NOTHING, misspelt, Failing.Lenient.class);
        assertContains("`iluma.sandbox.fail-on-unused` is true or false, and not `yes`", refused);
    }

    @Test
    void equalOptionsShareOneSandbox() {
        String printed =
                NestedRun.ofSuites(NOTHING, ONE_BY_ONE, Configured.InMay.class, Configured.AlsoInMay.class);
        assertEnds("2 succeeded, 0 failed, 0 aborted", printed);
        assertEquals(2, count("clock May 2026-05-01T00:00:00Z, sandboxes 1\n", printed), printed);
    }

    @Test
    void aRunningSandboxTakesThePlaceOfOneThatWouldBeStarted() {
        SandboxOptions options = new SandboxOptions().clock("2026-06-01T00:00:00Z").args("--control-token", "secret-of-the-tests");
        try (Sandbox sandbox = Sandbox.start(options)) {
            Map<String, String> connected = Map.of(
                    "ILUMA_SANDBOX_URL", sandbox.url(),
                    "ILUMA_SANDBOX_CONTROL_TOKEN", "secret-of-the-tests",
                    "ILUMA_SANDBOX_BIN", "/nowhere");
            String printed = NestedRun.ofSuites(connected, List.of(), Configured.InMay.class, OwnWorlds.First.class);
            assertEnds("10 succeeded, 0 failed, 0 aborted", printed);
            assertContains("clock May 2026-06-01T00:00:00Z", printed);
            List<String> properties = List.of("-Durl=" + sandbox.url(), "-Dtoken=secret-of-the-tests");
            String byFunction = NestedRun.ofSuites(Map.of("ILUMA_SANDBOX_BIN", "/nowhere"), properties, Configured.Connected.class);
            assertEnds("1 succeeded, 0 failed, 0 aborted", byFunction);
            Map<String, String> withoutToken = Map.of("ILUMA_SANDBOX_URL", sandbox.url());
            String refused = NestedRun.ofSuites(withoutToken, List.of(), Configured.InMay.class);
            assertEnds("0 succeeded, 1 failed, 0 aborted", refused);
            assertContains("Set ILUMA_SANDBOX_CONTROL_TOKEN, or pass `controlToken`", refused);
            assertEquals(Map.of("status", "alive"), sandbox.call("GET", "livez"));
        }
    }

    @Test
    void aMissingBinaryFailsEveryTestWithItsName() {
        String printed =
                NestedRun.ofSuites(Map.of("ILUMA_SANDBOX_BIN", "/nowhere"), ONE_BY_ONE, Failing.Forgetful.class);
        assertEnds("0 succeeded, 3 failed, 0 aborted", printed);
        assertEquals(3, count("SandboxException: `ILUMA_SANDBOX_BIN` says `/nowhere`, and no program is there", printed), printed);
    }

    @Test
    void aWorldBelongsToATestAndNotToAClass() {
        String printed = NestedRun.ofSuites(NOTHING, ONE_BY_ONE, Failing.WorldOfAClass.class);
        assertEnds("0 succeeded, 1 failed, 0 aborted", printed);
        assertContains("a World belongs to one test: take it in the test method, in @BeforeEach or in @AfterEach", printed);
    }

    @Test
    void aNameThatIsTooLongEndsWithItsHash() {
        String fits = "é😀".repeat(100);
        assertEquals(fits, IlumaSandbox.shortened(fits));
        String shortened = IlumaSandbox.shortened(fits + "x");
        assertEquals(200, shortened.codePointCount(0, shortened.length()));
        assertNotEquals(shortened, IlumaSandbox.shortened(fits + "y"));
        assertTrue(shortened.matches("(?s).*… [0-9a-f]{16}"), shortened);
    }

    private static void assertEnds(String expected, String printed) {
        assertTrue(printed.stripTrailing().endsWith(expected), printed);
    }

    private static void assertContains(String expected, String printed) {
        assertTrue(printed.contains(expected), printed);
    }

    private static long count(String text, String printed) {
        return Arrays.stream(printed.split(java.util.regex.Pattern.quote(text), -1)).count() - 1;
    }
}
