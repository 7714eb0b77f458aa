package records

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	in := "one\r\n\n" + long + "\n" + strings.Repeat("y", 300_000) + "\nlast"
	l := NewLines(bufio.NewReaderSize(strings.NewReader(in), 4096), Limits{Record: 200_000})
	var got []string
	for {
		line, at, err := l.Next()
		var fault *Fault
		if errors.As(err, &fault) {
			got = append(got, fmt.Sprintf("%d ! %s", fault.Offset, fault.Reason))
			continue
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %d %.4s", at, len(line), line))
	}
	want := []string{"0 3 one", "5 0 ", "6 100000 xxxx", "100007 ! record too long", "400008 4 last"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
