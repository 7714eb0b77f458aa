package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/desk"
	"github.com/tocsin-security/tocsin/internal/source"
)

// BackfillOptions say what of a bucket's past is asked for. Empty is no bound; To is the day after the last.
type BackfillOptions struct {
	Accounts, Regions []string
	From, To          string
}

// Backfill adds a source that lists a part of another's bucket once and delivers it in the other's name. The running tocsin serve does
// the work, or the next one that is started; it can be stopped and goes on where it was.
func Backfill(ctx context.Context, c *Config, name string, o BackfillOptions, streams Streams) error {
	return withDesk(ctx, c, func(d *desk.Desk) error {
		of, err := findSource(ctx, d, name)
		if err != nil {
			return err
		}
		if of.Kind != "s3" || of.Settings["bucket"] == "" {
			return UsageError{Err: fmt.Errorf("source %s has no bucket to list", name), Hint: "add one with: tocsin source add NAME --kind s3 --set bucket=…; a folder is read whole in any case"}
		}
		s := desk.Source{Kind: of.Kind, Settings: map[string]string{"every": "once", "as": name}, Created: time.Now()}
		for _, key := range []string{"bucket", "prefix", "region", "role", "external_id", "endpoint", "accounts", "regions"} {
			if v := of.Settings[key]; v != "" {
				s.Settings[key] = v
			}
		}
		for key, v := range map[string]string{"accounts": strings.Join(o.Accounts, ","), "regions": strings.Join(o.Regions, ","), "from": o.From, "to": o.To} {
			if v != "" {
				s.Settings[key] = v
			}
		}
		s.Name = backfillName(name, s.Settings)
		if err := source.Check(s); err != nil {
			return UsageError{Err: err, Hint: "for example: tocsin source backfill " + name + " --account 111111111111 --region eu-west-1 --from 2026-03-01 --to 2026-04-01"}
		}
		if err := d.AddSource(ctx, s); err != nil {
			return err
		}
		fmt.Fprintf(streams.Out, "source %s lists s3://%s/%s once, from %s to %s, for %s and %s, and delivers in the name of %s\n", s.Name, s.Settings["bucket"], s.Settings["prefix"],
			orWord(o.From, "the beginning"), orWord(o.To, "now"), orWord(s.Settings["accounts"], "all accounts"), orWord(s.Settings["regions"], "all Regions"), name)
		fmt.Fprintf(streams.Err, "a running tocsin serve begins within a few seconds; when it is done: tocsin source remove %s\n", s.Name)
		return nil
	})
}

// backfillName is the same for the same question, so that asking twice is asking once.
func backfillName(name string, settings map[string]string) string {
	sum := sha256.Sum256([]byte(fmt.Sprint(settings)))
	return name[:min(len(name), 44)] + "-backfill-" + hex.EncodeToString(sum[:4])
}

func orWord(s, word string) string {
	if s == "" {
		return word
	}
	return s
}
