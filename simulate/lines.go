package simulate

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// lines makes what the other logs say of the same days. Nothing in them is by itself: a call by a machine is a name that it looked up and a connection
// to that service; a data event is a line of the bucket's access log; a customer is a request at the load balancer, a record of the web ACL before it,
// and a connection to a machine behind it.
type lines struct {
	c      Config
	fleet  []machine
	rented map[string]machine // machines that attackers started, by id
	marks  map[string]*mark   // by CloudTrail's eventID
}

func newLines(c Config) *lines {
	return &lines{c: c, fleet: fleet(), rented: map[string]machine{}, marks: map[string]*mark{}}
}

// know notes whose the calls of an attack are.
func (l *lines) know(i int, a *AttackLabel) {
	for _, s := range a.Steps {
		at := &mark{i, s.Tactic, s.Name}
		for _, id := range s.EventIDs {
			l.marks[id] = at
		}
	}
}

// day makes the lines of a day's records and customers.
func (l *lines) day(day time.Time, d int, records []record) []line {
	b := &logbook{r: rand.New(rand.NewPCG(l.c.Seed, uint64(7000+d)))} //nolint:gosec // days are few
	asked := map[string]time.Time{}
	for i := range records {
		x := &records[i]
		at := l.marks[x.id]
		b.access(x, at)
		if from := l.caller(x); from != nil {
			b.call(x, from, at, asked)
		}
	}
	weekend := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
	b.customers(day, l.web(), int(220*l.c.Scale), weekend)
	b.strangers(day, l.fleet, int(12*l.c.Scale))
	return b.out
}

// web is the machines behind the shop's load balancer.
func (l *lines) web() []machine {
	return slices.DeleteFunc(slices.Clone(l.fleet), func(m machine) bool { return m.account != production })
}

// caller is the machine from which a call came, nil where it came from elsewhere, even with a machine's credentials.
func (l *lines) caller(x *record) *machine {
	user, _ := x.body["userIdentity"].(m)
	arn, _ := user["arn"].(string)
	session := arn[strings.LastIndexByte(arn, '/')+1:]
	for i := range l.fleet {
		if l.fleet[i].id == session && x.body["sourceIPAddress"] == l.fleet[i].public {
			return &l.fleet[i]
		}
	}
	return nil
}

// logbook collects lines. It has one owner.
type logbook struct {
	r   *rand.Rand
	out []line
}

func (b *logbook) port() int { return 32768 + b.r.IntN(28000) }

// within is a time up to d after another, on a millisecond.
func (b *logbook) within(at time.Time, d time.Duration) time.Time {
	return at.Add(time.Duration(b.r.Int64N(int64(d)))).Truncate(time.Millisecond)
}

func (b *logbook) add(w place, at time.Time, text string, of *mark) {
	b.out = append(b.out, line{place: w, at: at, text: text, mark: of})
}
