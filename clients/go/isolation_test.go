package sandbox_test

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	sandbox "github.com/OWNER/iluma-sandbox/clients/go"
)

const (
	crowd      = 100
	failedLife = "failed: "
)

// Each test does the same in a crowd as alone, with the same bytes.
func TestAHundredWorldsAtOnceBehaveAsEachDoesAlone(t *testing.T) {
	t.Parallel()
	var together sync.WaitGroup
	together.Add(crowd)
	crowded := make([]string, crowd)
	var lives sync.WaitGroup
	box := start(t, sandbox.Options{})
	for number := range crowd {
		lives.Add(1)
		go func() {
			defer lives.Done()
			crowded[number] = live(box, number, func() { together.Done(); together.Wait() })
		}()
	}
	lives.Wait()
	alone := start(t, sandbox.Options{})
	for number := range crowd {
		if strings.HasPrefix(crowded[number], failedLife) {
			t.Errorf("world %d %s", number, crowded[number])
		}
		expectEqual(t, live(alone, number, func() {}), crowded[number])
	}
}

// What a test does in its world. Returns all replies, or why the test has failed.
func live(box *sandbox.Sandbox, number int, meet func()) string {
	var replies []string
	test := run(fmt.Sprint("TestLife", number), func(t *recorder) {
		met := false
		defer func() {
			if !met {
				meet() // the others must not wait for a test that has failed
			}
		}()
		world := box.World(t)
		post := func(path, magic string, body any) reply {
			answer, err := send(world, path, body, magic)
			if err != nil {
				t.Fatal(err)
			}
			replies = append(replies, answer.text)
			return answer
		}
		mine := account(strconv.Itoa(7_000_000_000 + number))
		world.RegisterCallbackURL(bankCallback, world.Inbox().URL)
		pending := 1 + number%3
		for range pending {
			post(bankPath, "PENDING_THEN_COMPLETED_FOUND", mine)
		}
		var record struct{ ID, Status string }
		if err := json.Unmarshal([]byte(replies[0]), &record); err != nil {
			t.Fatal(err)
		}
		met = true
		meet()
		world.NextTimes(bank, "SERVER_ERROR", 1+number%2)
		for range 1 + number%2 {
			if status := post(bankPath, "", mine).status; status != 500 {
				t.Fatal("queued was 500, and it answered ", status)
			}
		}
		world.Advance(time.Duration(60+number) * time.Second)
		replies = append(replies, world.Now().String())
		if text := post(bankPath+"/"+record.ID, "", nil).text; !strings.Contains(text, "COMPLETED") {
			t.Fatal("it is not completed: ", text)
		}
		world.Idle(30 * time.Second)
		sent := world.Deliveries(sandbox.DeliveryQuery{State: sandbox.Delivered})
		received := world.Inbox().Received()
		if len(sent) != pending || len(received) != pending+1 { // and the test of the URL
			t.Fatal(len(sent), " were sent and ", len(received), " received of ", pending)
		}
		var bodies []string
		for _, delivery := range sent {
			bodies = append(bodies, delivery.Body)
		}
		sort.Strings(bodies)
		replies = append(replies, bodies...)
		world.Verify(sandbox.Exactly(pending+1+number%2, sandbox.Match{Endpoint: bank, Method: "POST", Body: mine}))
	})
	if test.failed {
		return failedLife + test.output()
	}
	return strings.Join(replies, "\n")
}

// go test runs these beside each other, and beside the other tests of the package.
func TestParallelSubtestsHaveWorldsOfTheirOwn(t *testing.T) {
	t.Parallel()
	for number := range 8 {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			t.Parallel()
			world := iluma.World(t)
			for range number {
				ask(t, world, bankPath, account("1234567890"), "")
			}
			world.Verify(sandbox.Exactly(number, sandbox.Match{}))
		})
	}
}
