package app

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/user"
	"strings"
	"time"

	"github.com/tocsin-security/tocsin/internal/access"
	"github.com/tocsin-security/tocsin/internal/audit"
	"github.com/tocsin-security/tocsin/internal/desk"
)

// noted writes down what was done by a command on this machine.
func noted(ctx context.Context, tx *sql.Tx, action, object, detail string) error {
	name := "somebody"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return audit.Record(ctx, tx, audit.Entry{At: time.Now().UTC(), Actor: name, Kind: "system", Action: action, Object: object, Outcome: audit.Success, Detail: detail})
}

func withPeople(ctx context.Context, c *Config, do func(p *access.People) error) error {
	return withDesk(ctx, c, func(d *desk.Desk) error {
		p, err := access.OpenPeople(ctx, d.Store())
		if err != nil {
			return err
		}
		err = do(p)
		var mistake access.MistakeError
		switch {
		case errors.As(err, &mistake):
			return UsageError{Err: err, Hint: "tocsin user --help says more"}
		case errors.Is(err, access.ErrNobody):
			return UsageError{Err: err, Hint: "tocsin user list shows who there is"}
		}
		return err
	})
}

// password reads one line: a password on the command line would be seen by everybody on the machine.
func password(in io.Reader, streams Streams) (string, error) {
	fmt.Fprintf(streams.Err, "password, %d characters or more, then Enter (it is read from standard input):\n", access.MinPassword)
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// AddUser adds a person; the password is read from in.
func AddUser(ctx context.Context, c *Config, who access.Person, in io.Reader, streams Streams) error {
	return withPeople(ctx, c, func(p *access.People) error {
		secret, err := password(in, streams)
		if err != nil {
			return err
		}
		who.Created = time.Now()
		prepared, err := p.Prepare(ctx, who, secret)
		if err != nil {
			return err
		}
		err = p.Tx(ctx, func(tx *sql.Tx) error {
			if err := p.Add(ctx, tx, prepared); err != nil {
				return err
			}
			return noted(ctx, tx, "person.add", who.Name, string(who.Role))
		})
		if err == nil {
			fmt.Fprintf(streams.Out, "%s is added, as %s of %s\n", who.Name, who.Role, strings.Join(who.Accounts, ", "))
		}
		return err
	})
}

// ListUsers shows who may sign in, and who might.
func ListUsers(ctx context.Context, c *Config, asJSON bool, streams Streams) error {
	return withPeople(ctx, c, func(p *access.People) error {
		list, err := p.List(ctx)
		if err != nil {
			return err
		}
		if asJSON {
			return json.NewEncoder(streams.Out).Encode(list)
		}
		if len(list) == 0 {
			fmt.Fprintln(streams.Err, "nobody yet; tocsin serve prints a link for the first, or: tocsin user add NAME --role admin --account '*'")
		}
		for _, w := range list {
			state := "since " + w.Created.Format(time.DateOnly)
			if !w.Ended.IsZero() {
				state = "ended " + w.Ended.Format(time.DateOnly)
			}
			fmt.Fprintf(streams.Out, "%-20s %-10s %s  %s\n", w.Name, w.Role, strings.Join(w.Accounts, ", "), state)
		}
		return nil
	})
}

// ChangeUser sets role and accounts of a person; what is empty stays.
func ChangeUser(ctx context.Context, c *Config, name string, role access.Role, accounts []string, streams Streams) error {
	return alterUser(ctx, c, name, "person.change", func(w *access.Person) string {
		if role != "" {
			w.Role = role
		}
		if len(accounts) > 0 {
			w.Accounts = accounts
		}
		return fmt.Sprintf("%s is %s of %s now", w.Name, w.Role, strings.Join(w.Accounts, ", "))
	}, streams)
}

// DisableUser ends a person's access and sessions. The name stays taken.
func DisableUser(ctx context.Context, c *Config, name string, streams Streams) error {
	return alterUser(ctx, c, name, "person.end", func(w *access.Person) string {
		w.Ended = time.Now()
		return w.Name + " cannot sign in any more; all sessions are ended"
	}, streams)
}

func alterUser(ctx context.Context, c *Config, name, action string, alter func(w *access.Person) string, streams Streams) error {
	return withPeople(ctx, c, func(p *access.People) error {
		who, err := p.Find(ctx, name)
		if err != nil {
			return err
		}
		said := alter(&who)
		err = p.Tx(ctx, func(tx *sql.Tx) error {
			if err := p.Change(ctx, tx, access.Everything(), who); err != nil {
				return err
			}
			return noted(ctx, tx, action, name, string(who.Role))
		})
		if err == nil {
			fmt.Fprintln(streams.Out, said)
		}
		return err
	})
}

// ResetUser gives a person another password, read from in, and ends all sessions.
func ResetUser(ctx context.Context, c *Config, name string, in io.Reader, streams Streams) error {
	return withPeople(ctx, c, func(p *access.People) error {
		if _, err := p.Find(ctx, name); err != nil {
			return err
		}
		secret, err := password(in, streams)
		if err != nil {
			return err
		}
		err = p.SetPassword(ctx, name, secret, time.Now(), func(tx *sql.Tx) error { return noted(ctx, tx, "person.password", name, "") })
		if err == nil {
			fmt.Fprintf(streams.Out, "%s has another password; all sessions are ended\n", name)
		}
		return err
	})
}
