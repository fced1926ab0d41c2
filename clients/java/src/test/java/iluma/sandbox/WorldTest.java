package iluma.sandbox;

import static iluma.sandbox.Product.BANK;
import static iluma.sandbox.Product.BANK_CALLBACK;
import static iluma.sandbox.Product.BANK_PATH;
import static iluma.sandbox.Product.check;
import static iluma.sandbox.Product.register;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.extension.ExtendWith;

/** What a test can do with a world. */
@ExtendWith(IlumaSandbox.class)
class WorldTest {
    private static final Query ASKED = Query.any().endpoint(BANK);
    private static final String PENDING = "PENDING_THEN_COMPLETED_FOUND";
    private static final Duration SHORT = Duration.ofMillis(10);

    @Test
    void aNameGivesTheSameKeyInEverySandboxAndAnotherNameAnother(Sandbox sandbox) {
        try (World one = sandbox.world("one"); World two = sandbox.world("two"); Sandbox other = Sandbox.start();
                World again = other.world("one")) {
            assertNotEquals(one.apiKey(), two.apiKey());
            assertNotEquals(one.callbackToken(), two.callbackToken());
            assertEquals(List.of(one.apiKey(), one.callbackToken()), List.of(again.apiKey(), again.callbackToken()));
        }
    }

    @Test
    void aNameInUseIsRefusedUnlessItsWorldMayBeEmptied(Sandbox sandbox) {
        try (World world = sandbox.world("taken")) {
            check(world, "1234567890");
            SandboxException refused = assertThrows(SandboxException.class, () -> sandbox.world("taken"));
            assertEquals(409, refused.status());
            assertEquals("world_in_use", refused.error());
            assertTrue(refused.getMessage().contains("there is a world `taken` already"), refused.getMessage());
            assertEquals(List.of(), sandbox.resetWorld("taken").requests());
        }
    }

    @Test
    void queuedOutcomesAnswerTheNextCallsInTheirOrder(World world) {
        world.next(BANK, "SERVER_ERROR", 2);
        List<Queued> waiting = world.next(BANK_PATH, "RATE_LIMIT_EXCEEDED");
        assertEquals(
                List.of(new Queued(BANK, "SERVER_ERROR", 2, false), new Queued(BANK, "RATE_LIMIT_EXCEEDED", 1, false)), waiting);
        List<Integer> answered = Arrays.asList(1, 2, 3, 4).stream().map(call -> check(world, "1234567890").status()).toList();
        assertEquals(List.of(500, 500, 429, 200), answered);
    }

    @Test
    void anUnknownEndpointOutcomeOrStateIsRefusedWithTheNearest(World world) {
        assertMentions("did you mean `" + BANK + "`", () -> world.next(BANK.replace("requests", "request"), "SERVER_ERROR"));
        assertMentions("SERVER_ERROR", () -> world.next(BANK, "SERVER_EROR"));
        assertMentions("did you mean `" + BANK + "`", () -> world.requests(Query.any().endpoint(BANK + "s")));
        assertMentions("delivered", () -> world.deliveries(DeliveryQuery.any().state("deliverd")));
        assertMentions("truncate", () -> world.faults(Fault.of("truncat")));
        assertMentions("INDIVIDUAL_CFT_PEP", () -> world.trigger("INDIVIDUAL_CFT_PEPS", "COMPLETED_FOUND"));
    }

    private static void assertMentions(String expected, Runnable call) {
        String message = assertThrows(SandboxException.class, call::run).getMessage();
        assertTrue(message.contains(expected), message);
    }

    @Test
    void nullIsRefusedAndDoesNotMatchEverything() {
        NullPointerException refused = assertThrows(NullPointerException.class, () -> Query.any().endpoint(null));
        assertEquals("`endpoint` is null: leave it out, or give it a value", refused.getMessage());
        assertThrows(NullPointerException.class, () -> DeliveryQuery.any().record(null));
        assertThrows(NullPointerException.class, () -> Fault.status(503).endpoint(null));
        assertThrows(NullPointerException.class, () -> new SandboxOptions().clock(null));
    }

    @Test
    void requestsAreFoundByWhatTheyWereAndHowTheyWereAnswered(World world) {
        check(world, "1234567890");
        check(world, "7", "x-magic-reply", "SERVER_ERROR");
        assertEquals(List.of(500, 200), world.requests().stream().map(Request::status).toList());
        Page<Request> oldest = world.requests(Query.any(), Paging.oldestFirst());
        assertEquals(List.of(200, 500), oldest.stream().map(Request::status).toList());
        Request failed = world.requests(Query.any().status(500)).get(0);
        assertEquals(Map.of("bank_account_number", "7", "bank_code", "BCA"), failed.body());
        assertEquals("SERVER_ERROR", failed.headers().get("x-magic-reply"));
        assertEquals(List.of(failed), world.requests(Query.any().body("bank_account_number", "7")));
        assertEquals(List.of(failed), world.requests(ASKED.header("x-magic-reply", "SERVER_ERROR")));
        assertEquals(List.of(), world.requests(Query.any().body("bank_account_number", null)));
        assertEquals(List.of(failed), world.requests(Query.any().afterSeq(oldest.get(0).seq())));
        Page<Request> first = world.requests(Query.any(), Paging.newestFirst().limit(1));
        assertEquals(List.of(1L, 2L, 0L, failed.seq()), List.of((long) first.size(), first.matched(), first.dropped(), first.lastSeq()));
        Paging next = Paging.newestFirst().beforeSeq(first.next().getAsLong());
        assertEquals(List.of(oldest.get(0)), world.requests(Query.any(), next));
    }

    @Test
    void waitingReturnsAsSoonAsTheRequestsAreThereAndElseShowsWhatCameInstead(World world) {
        check(world, "1234567890");
        assertEquals(1, world.waitFor(1, ASKED, Duration.ofMinutes(1)).size());
        NotVerifiedError late = assertThrows(NotVerifiedError.class, () -> world.waitFor(1, ASKED.status(500), SHORT));
        assertEquals(408, late.status());
        assertTrue(late.getMessage().contains("status: expected 500, received 200"), late.getMessage());
    }

    @Test
    void aFailedVerifyShowsTheNearestRequestFieldByField(World world) {
        String trace = check(world, "1234567890").trace();
        Expectation expectation = Expectation.exactly(1, ASKED.body("bank_account_number", "999"));
        AssertionError failed = assertThrows(AssertionError.class, () -> world.verify(expectation));
        assertEquals(
                String.join(
                        "\n",
                        "expected exactly 1 request with endpoint \"v1.1/bank_account_data_requests\", "
                                + "body.bank_account_number \"999\", but 0 of 1 matched",
                        "  close was " + trace + ", POST " + BANK_PATH + " → 200 COMPLETED_FOUND:",
                        "    body.bank_account_number: expected \"999\", received \"1234567890\""),
                failed.getMessage());
    }

    @Test
    void aFailedVerifyNamesTheCodePointsOfTextsThatLookAlike(World world) {
        Product.post(
                world, BANK_PATH, Map.of("bank_account_number", "1", "bank_code", "BCA", "reference_id", "Jose\u0301"));
        Query alike = ASKED.body("reference_id", "Jos\u00e9");
        AssertionError failed = assertThrows(AssertionError.class, () -> world.verify(Expectation.exactly(1, alike)));
        assertTrue(failed.getMessage().contains("(they look alike: `\u00e9` U+00E9 against"), failed.getMessage());
    }

    @Test
    void verifyKnowsBoundsOrderAndNever(World world) {
        String first = check(world, "1111111111").trace();
        String second = check(world, "2222222222").trace();
        Query one = ASKED.body("bank_account_number", "1111111111");
        Query two = ASKED.body("bank_account_number", "2222222222");
        assertEquals(Set.of(first, second), Set.copyOf(world.verify(ASKED)));
        world.verify(Expectation.between(1, 2, ASKED));
        world.verify(Expectation.atLeast(2, ASKED).within(SHORT));
        world.verify(Expectation.neverWithin(Duration.ofMillis(1), ASKED.status(500)));
        world.verify(Expectation.inOrder(one, two));
        assertThrows(NotVerifiedError.class, () -> world.verify(Expectation.inOrder(two, one)));
        assertThrows(NotVerifiedError.class, () -> world.verify(Expectation.atMost(1, ASKED)));
        assertThrows(NotVerifiedError.class, () -> world.verify(Query.any().status(404)));
        long seq = world.requests(one).get(0).seq();
        world.verify(Expectation.exactly(1, ASKED.afterSeq(seq)));
        assertThrows(NotVerifiedError.class, () -> world.verify(Expectation.inOrder(one.afterSeq(seq), two)));
        assertThrows(IllegalArgumentException.class, () -> Expectation.inOrder(one, two.afterSeq(seq)));
    }

    @Test
    void callbacksComeWhenTheClockIsAdvanced(World world) {
        register(world, world.inbox().url());
        String record = (String) check(world, "1234567890", "x-magic-reply", PENDING).json().get("id");
        List<Delivery> tried = world.advance(Duration.ofMinutes(1));
        Delivery delivery = world.deliveries(1, DeliveryQuery.any().record(record).state("delivered")).get(0);
        assertEquals(List.of(delivery.id()), tried.stream().map(Delivery::id).toList());
        assertEquals(200, delivery.attempts().get(0).status());
        Received newest = world.inbox().received(2).get(0);
        assertEquals(delivery.body(), newest.body());
        assertEquals(world.callbackToken(), newest.headers().get("x-callback-token"));
        world.idle();
        assertEquals(Instant.parse("2026-01-01T00:01:00Z"), world.now());
        world.inbox().empty();
        assertEquals(List.of(), world.inbox().received());
    }

    @Test
    void callbacksThatDoNotComeAreAFailureWithReasons(World world) {
        assertUnmet("no request of this world has caused a callback", () -> world.deliveries(1, DeliveryQuery.any(), SHORT));
        assertUnmet("0 of 1 callbacks came to " + world.inbox().url(), () -> world.inbox().received(1, SHORT));
        check(world, "1234567890", "x-magic-reply", "PENDING_THEN_COMPLETED_FOUND; callback=late(1h)");
        assertUnmet("no URL is registered for " + BANK_CALLBACK, () -> world.deliveries(1, DeliveryQuery.any()));
        register(world, world.inbox().url());
        check(world, "1234567890", "x-magic-reply", "COMPLETED_FOUND; callback=late(1h)");
        assertUnmet("callbacks are pending", () -> world.idle(SHORT));
    }

    private static void assertUnmet(String expected, Runnable call) {
        String message = assertThrows(NotVerifiedError.class, call::run).getMessage();
        assertTrue(message.contains(expected), message);
    }

    @Test
    void aCallbackIsSentWithoutARequest(World world) {
        register(world, world.inbox().url());
        Delivery sent = world.trigger(BANK_CALLBACK, "COMPLETED_FOUND", Map.of("result.is_found", false));
        Map<?, ?> result = (Map<?, ?>) Product.get(world, BANK_PATH + "/" + sent.record()).json().get("result");
        assertEquals(false, result.get("is_found"));
    }

    @Test
    void whatIsUnusedIsAFailureAndASummaryShowsIt(World world) {
        world.verifyUsed();
        register(world, world.inbox().url());
        world.next(BANK, PENDING, 2);
        check(world, "1234567890");
        String due = "is still pending until 2026-01-01T00:00:01.000Z";
        String line = "dlv_1  " + BANK_CALLBACK + " " + due + ", in 1s; advance the clock by 1s to send it\n";
        assertTrue(world.summary().contains(line), world.summary());
        NotVerifiedError unused = assertThrows(NotVerifiedError.class, world::verifyUsed);
        assertEquals(
                List.of(
                        "the test left things unused: 1 queued outcome, 0 faults and 1 callback",
                        "  outcome " + PENDING + " is queued for " + BANK + ", and the request for it never came",
                        "  callback dlv_1 of type " + BANK_CALLBACK + " was never awaited: it " + due),
                unused.getMessage().lines().toList());
        check(world, "1234567890");
        world.advance(Duration.ofMinutes(1));
        world.verifyUsed();
    }

    @Test
    void faultsBreakRepliesUntilTheyAreRemoved(World world) {
        world.faults(Duration.ofMinutes(1), Fault.status(503).endpoint(BANK).probability(1));
        assertEquals(503, check(world, "1").status());
        world.faults(Fault.rateLimit(1, Duration.ofMinutes(1)));
        assertEquals(List.of(200, 429), List.of(check(world, "1").status(), check(world, "1").status()));
        world.faults(Fault.delay("1ms"));
        assertEquals(200, check(world, "1").status());
        world.faults();
        assertEquals(200, check(world, "1").status());
    }

    @Test
    void thePartsOfATraceAreFoundByItsIdAndAMalformedOneIsRefused(World world) {
        register(world, world.inbox().url());
        String id = "0af7651916cd43dd8448eb211c80319c";
        String parent = "00-" + id + "-b7ad6b7169203331-01";
        String trace = check(world, "1234567890", "traceparent", parent, "x-request-id", "abc-1").trace();
        check(world, "2222222222");
        world.idle();
        for (Query query : List.of(Query.any().requestId("abc-1"), Query.any().traceparent(id))) {
            assertEquals(List.of(trace), world.requests(query).stream().map(Request::trace).toList());
        }
        DeliveryQuery byRequest = DeliveryQuery.any().requestId("abc-1");
        for (DeliveryQuery query : List.of(byRequest, DeliveryQuery.any().traceparent(id))) {
            List<Delivery> found = world.deliveries(query);
            assertEquals(List.of("abc-1"), found.stream().map(Delivery::requestId).toList());
            assertTrue(found.get(0).traceparent().contains(id), found.get(0).traceparent());
        }
        assertEquals(List.of(), world.requests(Query.any().requestId("abc-2")));
        assertEquals(List.of(), world.deliveries(DeliveryQuery.any().requestId("abc-2")));
        List<Executable> malformed = List.of(
                () -> world.requests(Query.any().traceparent("00-zz")),
                () -> world.deliveries(DeliveryQuery.any().traceparent("00-zz")));
        for (Executable call : malformed) {
            String message = assertThrows(SandboxException.class, call).getMessage();
            assertTrue(message.contains("traceparent"), message);
        }
    }

    @Test
    void anAnswerIsExplainedByItsTrace(World world) {
        world.next(BANK, "SERVER_ERROR");
        assertTrue(world.explain(check(world, "1").trace()).toString().contains("SERVER_ERROR"));
    }

    @Test
    void queuedErrorsCanBeForReads(World world) {
        String record = (String) check(world, "1234567890").json().get("id");
        world.nextReads(BANK, "SERVER_ERROR", 1);
        assertEquals(500, Product.get(world, BANK_PATH + "/" + record).status());
        assertEquals(200, Product.get(world, BANK_PATH + "/" + record).status());
    }

    @Test
    void aResetEmptiesTheWorldAndItAnswersAsAtFirst(World world) {
        register(world, world.inbox().url());
        String first = check(world, "1234567890", "x-magic-reply", PENDING + "; callback=late(1h)").text();
        assertEquals(1, world.reset(), "the callback that was not sent yet");
        assertEquals(List.of(), world.requests());
        assertEquals(List.of(), world.inbox().received());
        assertEquals(first, check(world, "1234567890", "x-magic-reply", PENDING).text());
    }

    @Test
    void theEndOfAWorldShowsWhatWasStillPending(Sandbox sandbox) {
        World world = sandbox.world("ends");
        register(world, world.inbox().url());
        check(world, "1234567890", "x-magic-reply", "COMPLETED_FOUND; callback=late(1h)");
        world.next(BANK, "SERVER_ERROR");
        world.faults(Fault.of("reset").endpoint("v2/ktp_data_requests"));
        Ended pending = world.end();
        assertEquals(List.of(BANK_CALLBACK), pending.callbacks().stream().map(Delivery::type).toList());
        assertEquals(List.of(0L, 1L, 1L), List.of(pending.moreCallbacks(), pending.queued(), pending.faults()));
        try (World fresh = sandbox.world("ends")) {
            assertEquals(List.of(), fresh.requests());
        }
    }

    @Test
    @SuppressWarnings("unchecked") // `Json` makes only such maps
    void anyOtherControlCallCanBeMade(World world) {
        String record = (String) check(world, "1234567890").json().get("id");
        Map<String, Object> snapshot = (Map<String, Object>) world.call("GET", "snapshot");
        world.reset();
        world.call("PUT", "snapshot", Map.of(), snapshot);
        assertEquals(200, Product.get(world, BANK_PATH + "/" + record).status());
        assertTrue(((String) world.call("GET", "export")).contains("{\"type\":\"exchange\""));
        assertThrows(NullPointerException.class, () -> {
            Map<String, Object> nothing = new java.util.HashMap<>();
            nothing.put("endpoint", null);
            world.call("GET", "requests", nothing, null);
        });
    }

    @Test
    void theRecordsHaveTheNamesOfTheControlApi(Sandbox sandbox) {
        Map<?, ?> api = (Map<?, ?>) sandbox.call("GET", "openapi.json");
        Map<?, ?> schemas = (Map<?, ?>) ((Map<?, ?>) api.get("components")).get("schemas");
        Map<String, Class<? extends Record>> records =
                Map.of("Request", Request.class, "Delivery", Delivery.class, "Attempt", Attempt.class, "NextEntry", Queued.class);
        records.forEach((name, type) -> {
            Map<?, ?> properties = (Map<?, ?>) ((Map<?, ?>) schemas.get(name)).get("properties");
            Set<String> names = Arrays.stream(type.getRecordComponents())
                    .map(RecordComponent::getName)
                    .map(Wire::wireName)
                    .collect(Collectors.toSet());
            assertEquals(properties.keySet(), names, name);
        });
    }
}
