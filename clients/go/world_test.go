package sandbox_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"sort"
	"strings"
	"testing"
	"time"

	sandbox "github.com/OWNER/iluma-sandbox/clients/go"
)

func TestAWorldIsNamedAfterItsPackageAndItsTest(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	expectEqual(t, world.Name, "github.com/OWNER/iluma-sandbox/clients/go.TestAWorldIsNamedAfterItsPackageAndItsTest")
	t.Run("a part", func(t *testing.T) {
		part := iluma.World(t)
		expectEqual(t, part.Name, world.Name+"/a_part")
		if part.APIKey == world.APIKey || part.CallbackToken == world.CallbackToken {
			t.Error("two worlds have the same key or token")
		}
	})
}

func TestATestGetsTheSameKeyAndTheSameIdsInEveryRun(t *testing.T) {
	t.Parallel()
	other, err := sandbox.Start(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Stop()
	one, again := iluma.World(t), (*sandbox.World)(nil)
	inner := run(t.Name(), func(inner *recorder) {
		again = other.World(inner)
		expectEqual(t, again.APIKey, one.APIKey)
		expectEqual(t, again.CallbackToken, one.CallbackToken)
		first := ask(t, one, bankPath, account("1234567890"), "").text
		expectEqual(t, ask(t, again, bankPath, account("1234567890"), "").text, first)
	})
	expectEqual(t, inner.output(), "")
}

func TestASecondWorldOfATestNeedsANameAndDoesNotEmptyTheFirst(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	ask(t, world, bankPath, account("1234567890"), "")
	inner := run(t.Name(), func(inner *recorder) { iluma.World(inner) })
	expectText(t, inner.output(), "this test has the world `"+world.Name+"` already: call WorldNamed with another name")
	buyer := iluma.WorldNamed(t, "buyer")
	expectEqual(t, buyer.Name, world.Name+" buyer")
	expectEqual(t, len(buyer.Requests(sandbox.Match{})), 0)
	expectEqual(t, len(world.Requests(sandbox.Match{})), 1)
}

func TestAWorldEndsWithItsTestAndTheTestCanRunAgain(t *testing.T) {
	t.Parallel()
	var tag string
	for range 2 {
		inner := run(t.Name(), func(inner *recorder) {
			world := iluma.World(inner)
			tag = world.Tag
			expectEqual(t, len(world.Requests(sandbox.Match{})), 0)
			world.RegisterCallbackURL(bankCallback, world.Inbox().URL)
			ask(t, world, bankPath, account("1234567890"), "")
		})
		expectEqual(t, inner.output(), "")
	}
	box, err := iluma.Sandbox()
	if err != nil {
		t.Fatal(err)
	}
	worlds, err := box.Call("GET", "worlds", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(worlds), tag) {
		t.Errorf("the world is still there: %s", worlds)
	}
}

func TestANameThatIsTooLongEndsInItsHash(t *testing.T) {
	t.Parallel()
	long := iluma.WorldNamed(t, strings.Repeat("ü", 300))
	longer := iluma.WorldNamed(t, strings.Repeat("ü", 301))
	expectEqual(t, len([]rune(long.Name)), 200)
	expectEqual(t, len([]rune(longer.Name)), 200)
	if long.Name == longer.Name {
		t.Error("both have the same name")
	}
}

func TestQueuedOutcomesAnswerTheNextCallsInTheirOrder(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	world.NextTimes(bank, "SERVER_ERROR", 2)
	waiting := world.Next(bankPath, "RATE_LIMIT_EXCEEDED")
	expectEqual(t, fmt.Sprint(waiting), fmt.Sprintf("[{%s SERVER_ERROR 2 false} {%s RATE_LIMIT_EXCEEDED 1 false}]", bank, bank))
	var statuses []int
	for range 4 {
		statuses = append(statuses, ask(t, world, bankPath, account("1234567890"), "").status)
	}
	expectEqual(t, fmt.Sprint(statuses), "[500 500 429 200]")
}

func TestAnErrorIsQueuedForTheNextRead(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	id := ask(t, world, bankPath, account("1234567890"), "").id(t)
	world.NextRead(bank, "SERVER_ERROR", 1)
	expectEqual(t, ask(t, world, bankPath+"/"+id, nil, "").status, 500)
	expectEqual(t, ask(t, world, bankPath+"/"+id, nil, "").status, 200)
}

func TestAMisspeltNameFailsTheTestAndTheMessageHasTheNearest(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	outcome := failure(t, world, func(world *sandbox.World) { world.Next(bank, "SERVER_EROR") })
	expectText(t, outcome, "Did you mean `SERVER_ERROR`?")
	endpoint := failure(t, world, func(world *sandbox.World) { world.Next("v1.1/bank_acount_data_requests", "SERVER_ERROR") })
	expectText(t, endpoint, "v1.1/bank_account_data_requests")
	for name, call := range map[string]func(world *sandbox.World){
		"verify": func(world *sandbox.World) {
			world.Verify(sandbox.Exactly(0, sandbox.Match{Endpoint: "v1.1/bank_acount_data_requests"}))
		},
		"in order": func(world *sandbox.World) {
			world.Verify(sandbox.InOrder(sandbox.Match{Endpoint: "v1.1/bank_acount_data_requests"}))
		},
		"requests": func(world *sandbox.World) { world.Requests(sandbox.Match{Endpoint: "v1.1/bank_acount_data_requests"}) },
		"fault": func(world *sandbox.World) {
			world.SetFaults(0, sandbox.Fault{Endpoint: "v1.1/bank_acount_data_requests", Fault: 503})
		},
	} {
		message := failure(t, world, call)
		if !strings.Contains(message, bank) {
			t.Errorf("%s does not name the nearest endpoint: %s", name, message)
		}
	}
	kind := failure(t, world, func(world *sandbox.World) { world.RegisterCallbackURL("NAME_VALIDTOR_REQUEST", world.Inbox().URL) })
	expectText(t, kind, "was refused with 400", "must be one of ", bankCallback)
	state := failure(t, world, func(world *sandbox.World) { world.Deliveries(sandbox.DeliveryQuery{State: "deliverd"}) })
	expectText(t, state, "delivered")
}

func TestRequestsAreFoundByWhatTheyWereAndHowTheyWereAnswered(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	ask(t, world, bankPath+"?tag=a&tag=b", account("1234567890"), "")
	ask(t, world, bankPath, account("7"), "SERVER_ERROR")
	all := world.Requests(sandbox.Match{})
	expectEqual(t, len(all), 2)
	expectEqual(t, all[0].Status, 500)
	expectEqual(t, fmt.Sprint(all[1].Query), "map[tag:[a b]]")
	for name, match := range map[string]sandbox.Match{
		"status":        {Status: 500},
		"body":          {Body: map[string]any{"bank_account_number": "7"}},
		"header":        {Headers: http.Header{"X-Magic-Reply": {"SERVER_ERROR"}}, Endpoint: bank},
		"missing query": {Query: map[string][]string{"tag": nil}, Method: "POST", Path: bankPath},
		"trace":         {Trace: all[0].Trace},
	} {
		found := world.Requests(match)
		if len(found) != 1 || found[0].Seq != all[0].Seq {
			t.Errorf("%s: found %v", name, found)
		}
	}
	failed := all[0]
	expectEqual(t, failed.Headers.Get("x-magic-reply"), "SERVER_ERROR")
	expectEqual(t, failed.ReplyHeaders.Get("x-sandbox-trace"), failed.Trace)
	var body struct {
		Number string `json:"bank_account_number"`
	}
	if err := json.Unmarshal(failed.Body, &body); err != nil || body.Number != "7" {
		t.Errorf("%v: %s", err, failed.Body)
	}
	expectEqual(t, len(world.Requests(sandbox.Match{Query: url.Values{"tag": {"a", "b"}}})), 1)
	expectEqual(t, len(world.Requests(sandbox.Match{Body: map[string]any{"bank_code": "null"}})), 0)
	expectEqual(t, len(world.Requests(sandbox.Match{Body: map[string]any{"bank_code": nil}})), 0)
	page := world.RequestPage(sandbox.Match{}, sandbox.Page{Limit: 1})
	expectEqual(t, fmt.Sprint(len(page.Requests), page.Matched, page.Dropped, page.LastSeq, page.Next), "1 2 0 2 2")
	older := world.RequestPage(sandbox.Match{}, sandbox.Page{BeforeSeq: page.Next})
	expectEqual(t, fmt.Sprint(len(older.Requests), older.Requests[0].Status, older.Next), "1 200 0")
	oldest := world.RequestPage(sandbox.Match{}, sandbox.Page{OldestFirst: true, AfterSeq: 1})
	expectEqual(t, fmt.Sprint(len(oldest.Requests), oldest.Requests[0].Seq), "1 2")
}

func TestWaitingForRequestsReturnsAsSoonAsTheyAreThere(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	sent := make(chan error)
	go func() {
		_, err := send(world, bankPath, account("1234567890"), "")
		sent <- err
	}()
	expectEqual(t, len(world.WaitFor(1, sandbox.Match{Endpoint: bank}, time.Minute)), 1)
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

func TestWaitingInVainFailsAndShowsWhatCameInstead(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	ask(t, world, bankPath, account("1234567890"), "")
	late := failure(t, world, func(world *sandbox.World) {
		world.WaitFor(1, sandbox.Match{Endpoint: bank, Status: 500}, 10*time.Millisecond)
	})
	expectText(t, late, "status: expected 500, received 200")
}

func TestAFailedVerifyShowsTheNearestRequestFieldByField(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	trace := ask(t, world, bankPath, account("1234567890"), "").header.Get("x-sandbox-trace")
	message := failure(t, world, func(world *sandbox.World) {
		world.Verify(sandbox.Exactly(1, sandbox.Match{Endpoint: bank, Body: map[string]any{"bank_account_number": "999"}}))
	})
	expectEqual(t, message, `expected exactly 1 request with endpoint "v1.1/bank_account_data_requests", `+
		`body.bank_account_number "999", but 0 of 1 matched`+"\n"+
		"  close was "+trace+", POST "+bankPath+" → 200 COMPLETED_FOUND:\n"+
		`    body.bank_account_number: expected "999", received "1234567890"`)
}

func TestAFailedVerifyNamesTheCodePointsOfTextsThatLookAlike(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	body := account("1234567890")
	body["reference_id"] = "Jose\u0301"
	ask(t, world, bankPath, body, "")
	message := failure(t, world, func(world *sandbox.World) {
		world.Verify(sandbox.Exactly(1, sandbox.Match{Endpoint: bank, Body: map[string]any{"reference_id": "Jos\u00e9"}}))
	})
	expectText(t, message, "(they look alike: `\u00e9` U+00E9 against `e` U+0065 U+0301 at character 4)")
}

func TestVerifyKnowsNumbersOrderAndNever(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	ask(t, world, bankPath, account("1111111111"), "")
	ask(t, world, bankPath, account("2222222222"), "")
	both := sandbox.Match{Endpoint: bank}
	first := sandbox.Match{Endpoint: bank, Body: map[string]any{"bank_account_number": "1111111111"}}
	second := sandbox.Match{Endpoint: bank, Body: map[string]any{"bank_account_number": "2222222222"}}
	expectEqual(t, len(world.Verify(sandbox.AtLeast(1, both))), 2)
	world.Verify(sandbox.Exactly(2, both))
	world.Verify(sandbox.Exactly(1, both).After(1))
	world.Verify(sandbox.Exactly(2, both).Within(time.Minute))
	world.Verify(sandbox.AtMost(2, both))
	world.Verify(sandbox.Between(1, 3, both))
	world.Verify(sandbox.NeverWithin(time.Millisecond, sandbox.Match{Status: 500}))
	world.Verify(sandbox.InOrder(first, second))
	for name, expectation := range map[string]sandbox.Expectation{
		"exactly":  sandbox.Exactly(1, both),
		"at least": sandbox.AtLeast(3, both),
		"at most":  sandbox.AtMost(1, both),
		"between":  sandbox.Between(3, 4, both),
		"never":    sandbox.NeverWithin(time.Millisecond, first),
		"in order": sandbox.InOrder(second, first),
		"within":   sandbox.AtLeast(3, both).Within(time.Millisecond),
	} {
		message := failure(t, world, func(world *sandbox.World) { world.Verify(expectation) })
		if !strings.Contains(message, "expected") {
			t.Errorf("%s: %s", name, message)
		}
	}
	empty := failure(t, world, func(world *sandbox.World) { world.Verify(sandbox.Expectation{}) })
	expectText(t, empty, "an empty Expectation expects nothing")
}

func TestAValueThatIsNotJSONIsRefusedAndNotLeftOut(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	match := sandbox.Match{Body: map[string]any{"wrong": func() {}}}
	expectText(t, failure(t, world, func(world *sandbox.World) { world.Requests(match) }),
		"`body.wrong` cannot be written as JSON")
	expectText(t, failure(t, world, func(world *sandbox.World) { world.Verify(sandbox.Exactly(0, match)) }),
		"the body of POST verify cannot be written as JSON")
}

func TestCallbacksComeWhenTheClockIsAdvanced(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	inbox := world.Inbox()
	world.RegisterCallbackURL(bankCallback, inbox.URL)
	id := ask(t, world, bankPath, account("1234567890"), "PENDING_THEN_COMPLETED_FOUND").id(t)
	tried := world.Advance(time.Minute)
	expectEqual(t, len(tried), 1)
	deliveries := world.Deliveries(sandbox.DeliveryQuery{Count: 1, Type: bankCallback, Record: id, State: sandbox.Delivered})
	expectEqual(t, len(deliveries), 1)
	expectEqual(t, deliveries[0].Attempts[0].Status, 200)
	expectEqual(t, deliveries[0].Attempts[0].Addresses[0].Error, "")
	received := inbox.WaitFor(2, time.Minute) // the first was the test of the URL
	expectEqual(t, received[0].Body, deliveries[0].Body)
	expectEqual(t, received[0].Headers.Get("x-callback-token"), world.CallbackToken)
	expectEqual(t, len(inbox.Received()), 2)
	expectEqual(t, len(world.InboxNamed("other").Received()), 0)
	world.Idle(time.Second)
	expectEqual(t, world.Now(), time.Date(2026, 1, 1, 0, 1, 0, 0, time.UTC))
}

func TestTheClockIsSetToATimeAndNeverBack(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	world.RegisterCallbackURL(bankCallback, world.Inbox().URL)
	ask(t, world, bankPath, account("1234567890"), "COMPLETED_FOUND; callback=late(1h)")
	pending := world.Deliveries(sandbox.DeliveryQuery{State: sandbox.Scheduled})
	expectEqual(t, len(pending), 1)
	expectEqual(t, pending[0].NextTry.IsZero(), false)
	jakarta := time.FixedZone("", 7*60*60)
	expectEqual(t, len(world.SetClock(time.Date(2026, 2, 1, 7, 0, 0, 0, jakarta))), 1)
	expectEqual(t, world.Now(), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
	back := failure(t, world, func(world *sandbox.World) { world.SetClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) })
	expectText(t, back, "back")
}

func TestCallbacksThatDoNotComeAreAFailureWithReasons(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	expectText(t, failure(t, world, func(world *sandbox.World) {
		world.Deliveries(sandbox.DeliveryQuery{Count: 1, Wait: 10 * time.Millisecond})
	}), "no request of this world has caused a callback")
	expectText(t, failure(t, world, func(world *sandbox.World) { world.Inbox().WaitFor(1, 10*time.Millisecond) }),
		"0 of 1 callbacks came to "+world.Inbox().URL+" within 10ms")
	world.RegisterCallbackURL(bankCallback, world.Inbox().URL)
	ask(t, world, bankPath, account("1234567890"), "COMPLETED_FOUND; callback=late(1h)")
	expectText(t, failure(t, world, func(world *sandbox.World) { world.Idle(10 * time.Millisecond) }),
		"1 callbacks are pending")
}

func TestACallbackWithoutAURLIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	ask(t, world, bankPath, account("1234567890"), "PENDING_THEN_COMPLETED_FOUND; callback=late(1h)")
	missing := "no URL is registered for " + bankCallback
	expectText(t, failure(t, world, func(world *sandbox.World) {
		world.Deliveries(sandbox.DeliveryQuery{Count: 1, Wait: time.Minute})
	}), missing)
	expectEqual(t, failure(t, world, func(world *sandbox.World) { world.Inbox().WaitFor(1, time.Minute) }),
		"0 of 1 callbacks came to "+world.Inbox().URL+"\n  "+missing)
}

func TestACallbackIsSentWithoutARequest(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	world.RegisterCallbackURL(bankCallback, world.Inbox().URL)
	sent := world.Trigger(sandbox.Trigger{
		Type: bankCallback, Outcome: "COMPLETED_FOUND", Set: map[string]any{"result.is_found": false},
	})
	expectText(t, ask(t, world, bankPath+"/"+sent.Record, nil, "").text, `"is_found":false`)
}

func TestFaultsBreakRepliesUntilTheyAreRemoved(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	world.SetFaults(time.Minute, sandbox.Fault{Endpoint: bank, Fault: 503, Probability: 1})
	expectEqual(t, ask(t, world, bankPath, account("1234567890"), "").status, 503)
	world.SetFaults(0, sandbox.Fault{RateLimit: &sandbox.RateLimit{Limit: 1, Window: "1m"}}, sandbox.Fault{Delay: "1ms"})
	expectEqual(t, ask(t, world, bankPath, account("1234567890"), "").status, 200)
	expectEqual(t, ask(t, world, bankPath, account("1234567890"), "").status, 429)
	world.SetFaults(0)
	expectEqual(t, ask(t, world, bankPath, account("1234567890"), "").status, 200)
}

func TestThePartsOfATraceAreFoundByItsIDAndAMalformedOneIsRefused(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	world.RegisterCallbackURL(bankCallback, world.Inbox().URL)
	request, err := http.NewRequest("POST", world.URL+bankPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(world.APIKey, "")
	request.Header.Set("x-magic-reply", "COMPLETED_FOUND")
	request.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	request.Header.Set("x-request-id", "abc-1")
	answer, err := world.HTTPClient().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	ask(t, world, bankPath, account("2"), "")
	world.Idle(time.Minute)
	const traceID = "0af7651916cd43dd8448eb211c80319c"
	for _, match := range []sandbox.Match{{RequestID: "abc-1"}, {Traceparent: traceID}} {
		found := world.Requests(match)
		if len(found) != 1 || found[0].Trace != answer.Header.Get("x-sandbox-trace") {
			t.Errorf("%+v: found %v", match, found)
		}
	}
	for _, which := range []sandbox.DeliveryQuery{{RequestID: "abc-1"}, {Traceparent: traceID}} {
		found := world.Deliveries(which)
		if len(found) != 1 || found[0].RequestID != "abc-1" || !strings.Contains(found[0].Traceparent, traceID) {
			t.Errorf("%+v: found %v", which, found)
		}
	}
	expectEqual(t, len(world.Requests(sandbox.Match{RequestID: "abc-2"})), 0)
	expectEqual(t, len(world.Deliveries(sandbox.DeliveryQuery{RequestID: "abc-2"})), 0)
	for _, call := range []func(world *sandbox.World){
		func(world *sandbox.World) { world.Requests(sandbox.Match{Traceparent: "00-zz"}) },
		func(world *sandbox.World) { world.Deliveries(sandbox.DeliveryQuery{Traceparent: "00-zz"}) },
	} {
		expectText(t, failure(t, world, call), "traceparent")
	}
}

func TestAnAnswerIsExplainedByItsTrace(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	world.Next(bank, "SERVER_ERROR")
	reply := ask(t, world, bankPath, account("1234567890"), "")
	expectText(t, string(world.Explain(reply.header.Get("x-sandbox-trace"))), "SERVER_ERROR")
}

func TestWhatIsUnusedIsAFailureAndASummaryShowsIt(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	world.VerifyUsed()
	world.RegisterCallbackURL(bankCallback, world.Inbox().URL)
	world.NextTimes(bank, "PENDING_THEN_COMPLETED_FOUND", 2)
	ask(t, world, bankPath, account("1234567890"), "")
	due := "is still pending until 2026-01-01T00:00:01.000Z"
	expectText(t, world.Summary(), "dlv_1  "+bankCallback+" "+due+", in 1s; advance the clock by 1s to send it\n")
	expectEqual(t, failure(t, world, func(world *sandbox.World) { world.VerifyUsed() }),
		"the test left things unused: 1 queued outcome, 0 faults and 1 callback\n"+
			"  outcome PENDING_THEN_COMPLETED_FOUND is queued for "+bank+", and the request for it never came\n"+
			"  callback dlv_1 of type "+bankCallback+" was never awaited: it "+due)
	ask(t, world, bankPath, account("1234567890"), "")
	world.Advance(time.Minute)
	world.VerifyUsed()
}

func TestAResetEmptiesTheWorldAndItAnswersAsAtFirst(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	world.RegisterCallbackURL(bankCallback, world.Inbox().URL)
	first := ask(t, world, bankPath, account("1234567890"), "PENDING_THEN_COMPLETED_FOUND; callback=late(1h)").text
	expectEqual(t, world.Reset(), 1) // the callback that had not left
	expectEqual(t, len(world.Requests(sandbox.Match{})), 0)
	expectEqual(t, len(world.Inbox().Received()), 0)
	expectEqual(t, ask(t, world, bankPath, account("1234567890"), "PENDING_THEN_COMPLETED_FOUND").text, first)
}

func TestTheEndOfAWorldSaysWhatWasLeftUndone(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	world.FailOnUnused() // nothing is unused after the end
	world.RegisterCallbackURL(bankCallback, world.Inbox().URL)
	ask(t, world, bankPath, account("1234567890"), "COMPLETED_FOUND; callback=late(1h)")
	world.Next(bank, "SERVER_ERROR")
	world.SetFaults(0, sandbox.Fault{Endpoint: "v2/ktp_data_requests", Fault: "reset"})
	left := world.End()
	expectEqual(t, left.Callbacks[0].Type, bankCallback)
	expectEqual(t, fmt.Sprint(len(left.Callbacks), left.MoreCallbacks, left.Queued, left.Faults), "1 0 1 1")
	expectEqual(t, len(world.Requests(sandbox.Match{})), 0)
}

func TestAnyOtherControlCallCanBeMade(t *testing.T) {
	t.Parallel()
	world := iluma.World(t)
	id := ask(t, world, bankPath, account("1234567890"), "").id(t)
	snapshot, err := world.Call("GET", "snapshot", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	world.Reset()
	if _, err := world.Call("PUT", "snapshot", nil, json.RawMessage(snapshot)); err != nil {
		t.Fatal(err)
	}
	expectEqual(t, ask(t, world, bankPath+"/"+id, nil, "").status, 200)
	_, err = world.Call("GET", "explain/no trace?", nil, nil)
	var refused *sandbox.Error
	if !errors.As(err, &refused) || refused.Status != 404 || refused.Word == "" || len(refused.Answer) == 0 {
		t.Errorf("%#v", err)
	}
}

func TestTheTypesHaveTheFieldsThatTheSandboxDescribes(t *testing.T) {
	t.Parallel()
	box, err := iluma.Sandbox()
	if err != nil {
		t.Fatal(err)
	}
	text, err := box.Call("GET", "openapi.json", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var described struct {
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal(text, &described); err != nil {
		t.Fatal(err)
	}
	for name, shape := range map[string]any{
		"Request":   sandbox.Request{},
		"Delivery":  sandbox.Delivery{},
		"Attempt":   sandbox.Attempt{},
		"NextEntry": sandbox.Queued{},
		"FaultItem": sandbox.Fault{},
		"RateLimit": sandbox.RateLimit{},
	} {
		var fields, properties []string
		for at := range reflect.TypeOf(shape).NumField() {
			field, _, _ := strings.Cut(reflect.TypeOf(shape).Field(at).Tag.Get("json"), ",")
			fields = append(fields, field)
		}
		for property := range described.Components.Schemas[name].Properties {
			properties = append(properties, property)
		}
		sort.Strings(fields)
		sort.Strings(properties)
		expectEqual(t, fmt.Sprint(name, fields), fmt.Sprint(name, properties))
	}
}
