package app

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"github.com/tocsin-security/tocsin/content"
	"github.com/tocsin-security/tocsin/internal/detect"
	"github.com/tocsin-security/tocsin/internal/enrich/geo"
	"github.com/tocsin-security/tocsin/internal/report"
)

// RuleTree returns the files of rules: the embedded ones, or a folder or file of the user's.
func RuleTree(path string) (tree fs.FS, root string, err error) {
	if path == "" {
		return content.Rules, "rules", nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, "", UsageError{Err: fmt.Errorf("rules %s: no such file or folder", path), Hint: "give a folder with Sigma rules (*.yml)"}
	}
	if !info.IsDir() {
		return os.DirFS(filepath.Dir(path)), filepath.Base(path), nil
	}
	return os.DirFS(path), ".", nil
}

// What is built in is read once per process and never changed.
var (
	openPlaces    = sync.OnceValues(geo.Open)
	embeddedRules = sync.OnceValues(func() (*detect.Rules, error) { return loadRules(content.Rules, "rules", "") })
)

// LoadRules reads rules and refuses a set with mistakes, each with its place.
func LoadRules(path string) (*detect.Rules, error) {
	if path == "" {
		return embeddedRules()
	}
	tree, root, err := RuleTree(path)
	if err != nil {
		return nil, err
	}
	return loadRules(tree, root, path)
}

func loadRules(tree fs.FS, root, path string) (*detect.Rules, error) {
	rules, mistakes, err := detect.Load(tree, root)
	if err != nil {
		return nil, err
	}
	if len(mistakes) > 0 {
		const most = 10
		var lines []string
		for _, m := range mistakes[:min(most, len(mistakes))] {
			lines = append(lines, m.Caret())
		}
		return nil, UsageError{Err: fmt.Errorf("%d mistakes in the rules:\n%s", len(mistakes), strings.Join(lines, "\n")), Hint: "'tocsin rules check " + path + "' lists them all"}
	}
	if len(rules.All) == 0 {
		return nil, UsageError{Err: fmt.Errorf("no rules in %s", path), Hint: "give a folder with Sigma rules (*.yml)"}
	}
	return rules, nil
}

// families name the kinds of log that rules need, as a person would ask for them.
var families = map[string][2]string{
	"cloudtrail.management": {"calls of the AWS API", "CloudTrail management events"},
	"cloudtrail.signin":     {"console sign-in", "CloudTrail management events of the Region in which people sign in"},
	"cloudtrail.network":    {"calls through VPC endpoints", "CloudTrail network activity events"},
	"cloudtrail.insight":    {"unusual call rates", "CloudTrail Insights events"},
	"vpcflow":               {"network flows", "VPC Flow Logs"},
	"resolver":              {"DNS queries", "Route 53 Resolver query logs"},
	"s3access":              {"requests to buckets", "S3 server access logs"},
	"alb":                   {"web requests", "Application Load Balancer access logs"},
	"waf":                   {"inspected web requests", "AWS WAF logs"},
}

func family(kind string) (name, needs string) {
	if f, ok := families[kind]; ok {
		return f[0], f[1]
	}
	service := strings.TrimPrefix(kind, "cloudtrail.data.")
	titles := map[string]string{"s3": "S3 object access", "lambda": "Lambda invocations", "dynamodb": "DynamoDB item access", "bedrock": "Bedrock model invocations", "kms": "KMS use", "sns": "SNS publishing", "ec2": "EBS direct block access", "rds": "RDS Data API queries"}
	if t, ok := titles[service]; ok {
		return t, "CloudTrail data events for " + service
	}
	return service + " data access", "CloudTrail data events for " + service
}

// Blind lists the rules that cannot see because a kind of log they need is not in the input, by kind.
func Blind(rules *detect.Rules, seen map[string]int, mapped int64) []report.Blind {
	byKind := map[string]*report.Blind{}
	for _, r := range rules.Needs() {
		for _, kind := range r.Data {
			if seen[kind] > 0 {
				continue
			}
			b := byKind[kind]
			if b == nil {
				name, needs := family(kind)
				b = &report.Blind{Family: name, Needs: needs, Why: "none of the records is of this kind"}
				byKind[kind] = b
			}
			b.Rules++
			b.RuleIDs = append(b.RuleIDs, r.ID)
		}
	}
	if mapped == 0 {
		return nil // there is nothing to be blind in
	}
	out := make([]report.Blind, 0, len(byKind))
	for _, b := range byKind {
		sort.Strings(b.RuleIDs)
		out = append(out, *b)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Family < out[j].Family })
	return out
}
