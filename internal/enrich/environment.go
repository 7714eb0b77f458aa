package enrich

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tocsin-security/tocsin/internal/aws"
)

// Environment is what only the user knows of the organisation. Absent means unknown, never false.
type Environment struct {
	Organisation struct {
		ID string `yaml:"id"`
	} `yaml:"organisation"`
	Accounts        []Account    `yaml:"accounts"`
	TrustedAccounts []Account    `yaml:"trusted_accounts"`
	Regions         []string     `yaml:"regions"`
	Networks        []Network    `yaml:"networks"`
	AutomationRoles []Identity   `yaml:"automation_roles"`
	BreakGlass      []Identity   `yaml:"break_glass"`
	Scanners        []Identity   `yaml:"scanners"`
	Critical        []Asset      `yaml:"critical"`
	WorkingHours    WorkingHours `yaml:"working_hours"`
}

// Account is an AWS account, ours or trusted.
type Account struct {
	ID      string `yaml:"id"`
	Name    string `yaml:"name"`
	Kind    string `yaml:"kind"`    // production, staging, development, sandbox, security …
	Purpose string `yaml:"purpose"` // of a trusted account: why it is trusted
}

// Network is an address range of ours.
type Network struct {
	CIDR   string `yaml:"cidr"`
	Name   string `yaml:"name"`
	prefix netip.Prefix
}

// Identity is a role or user by ARN, in which * stands for any text.
type Identity struct {
	ARN     string `yaml:"arn"`
	Purpose string `yaml:"purpose"`
}

// Asset is a critical resource by ARN or id, in which * stands for any text.
type Asset struct {
	ARN string `yaml:"arn"`
	Why string `yaml:"why"`
}

// WorkingHours is when people usually work.
type WorkingHours struct {
	Timezone string   `yaml:"timezone"`
	Days     []string `yaml:"days"`
	From     string   `yaml:"from"`
	To       string   `yaml:"to"`
}

// ReadEnvironment reads environment.yaml strictly: an unknown key is an error, and all errors come at once.
func ReadEnvironment(path string) (*Environment, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read environment: %w", err)
	}
	env, err := ParseEnvironment(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return env, nil
}

// ParseEnvironment reads the text of an environment.yaml.
func ParseEnvironment(raw []byte) (*Environment, error) {
	env := &Environment{}
	dec := yaml.NewDecoder(strings.NewReader(string(raw)))
	dec.KnownFields(true)
	if err := dec.Decode(env); err != nil && len(strings.TrimSpace(string(raw))) > 0 {
		var typed *yaml.TypeError
		if errors.As(err, &typed) {
			for i, e := range typed.Errors {
				typed.Errors[i] = strings.ReplaceAll(strings.ReplaceAll(e, " in type enrich.", ": this is no key of "), "not found", "unknown")
			}
			return nil, errors.New(strings.Join(typed.Errors, "; "))
		}
		return nil, err
	}
	return env, env.check()
}

func (env *Environment) check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, a := range slices.Concat(env.Accounts, env.TrustedAccounts) {
		if !aws.IsAccount(a.ID) {
			fault("account id %q is not 12 digits (quote it, so that YAML keeps leading zeros)", a.ID)
		}
	}
	for i := range env.Networks {
		n := &env.Networks[i]
		var err error
		if n.prefix, err = netip.ParsePrefix(n.CIDR); err != nil {
			fault("network %q is no range such as 203.0.113.0/24", n.CIDR)
		}
	}
	for _, id := range slices.Concat(env.AutomationRoles, env.BreakGlass, env.Scanners) {
		if !strings.HasPrefix(id.ARN, "arn:") && !strings.HasPrefix(id.ARN, "*") {
			fault("identity %q is no ARN (with * for any text)", id.ARN)
		}
		if strings.Trim(id.ARN, "*") == "" {
			fault("identity %q means everyone", id.ARN)
		}
	}
	return errors.Join(faults...)
}

func (env *Environment) hasAccount(id string) bool {
	return env != nil && slices.ContainsFunc(env.Accounts, func(a Account) bool { return a.ID == id })
}

func (env *Environment) trusts(id string) bool {
	return env != nil && slices.ContainsFunc(env.TrustedAccounts, func(a Account) bool { return a.ID == id })
}

func matchesAny(list []Identity, arns ...string) bool {
	return slices.ContainsFunc(list, func(id Identity) bool {
		return slices.ContainsFunc(arns, func(arn string) bool { return arn != "" && aws.Glob(id.ARN, arn) })
	})
}

func (env *Environment) isCritical(id string) bool {
	return env != nil && slices.ContainsFunc(env.Critical, func(a Asset) bool { return a.ARN != "" && aws.Glob(a.ARN, id) })
}

// AccountName returns the name that environment.yaml gives an account, or "".
func (env *Environment) AccountName(id string) string {
	if env == nil {
		return ""
	}
	for _, a := range slices.Concat(env.Accounts, env.TrustedAccounts) {
		if a.ID == id {
			return a.Name
		}
	}
	return ""
}

// Prefixes lists the address ranges that are ours.
func (env *Environment) Prefixes() []netip.Prefix {
	if env == nil {
		return nil
	}
	out := make([]netip.Prefix, len(env.Networks))
	for i := range env.Networks {
		out[i] = env.Networks[i].prefix
	}
	return out
}
