package pipeline

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-security/tocsin/internal/collect"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/lake"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// services are golden inputs of the formats of AWS's services, all of whose records are readable.
func services(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, name := range []string{"eksaudit/lines", "guardduty/exported", "asff/lines", "asff/findings", "awsconfig/snapshot", "awsconfig/eventbridge"} {
		out = append(out, "../format/testdata/"+name+".in")
	}
	return out
}

func listed(t *testing.T, paths ...string) *collect.Inventory {
	t.Helper()
	inv, err := collect.List(t.Context(), paths, nil, collect.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// TestOurOwnLakeIsReadAsParquet stores events, reads the lake's data files as anyone's Parquet, and counts them.
func TestOurOwnLakeIsReadAsParquet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := lake.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := Store(t.Context(), Files{listed(t, append(services(t), "../format/testdata/cloudtrail/user-changes.in")...)}, StoreOptions{Lake: l, Source: "test", Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "data", "*", "*", "*.parquet"))
	if len(files) == 0 {
		files, _ = filepath.Glob(filepath.Join(dir, "data", "*", "*.parquet"))
	}
	read := map[string]int{}
	total := 0
	err = EachRecord(t.Context(), listed(t, files...), func(e *ocsf.Event) {
		total++
		read[e.Str(ocsf.CloudAccountUID)+"/"+e.ID]++
	})
	if err != nil || stored.Mapped < 20 || int64(total) != stored.Mapped || len(read) != total {
		t.Errorf("%d events stored, %d read from %d files, %d different, %v", stored.Mapped, total, len(files), len(read), err)
	}
}

// TestPivotsOfEachFormat: what people jump by is filled in every format, as far as a record says it.
func TestPivotsOfEachFormat(t *testing.T) {
	t.Parallel()
	type pivots struct{ Account, Region, Principal, SrcIP, Operation, Resource string }
	const account, alice, bucket = "111122223333", "arn:aws:iam::111122223333:user/alice", "arn:aws:s3:::data"
	admin := "arn:aws:sts::111122223333:assumed-role/admin/s1"
	group := "arn:aws:ec2:us-east-1:111122223333:security-group/sg-0123"
	want := map[string][]pivots{
		"eksaudit/lines.in": {
			{account, "", alice, "198.51.100.7", "create", "shop/pods/web-1"},
			{account, "", alice, "198.51.100.7", "create", "shop/pods/tools"},
			{"", "", "5b1f", "198.51.100.7", "list", "secrets"},
			{"", "", "system:anonymous", "", "get", ""},
			{account, "", alice, "198.51.100.7", "patch", "clusterrolebindings/mine"},
		},
		"guardduty/exported.in": {
			{account, "us-east-1", alice, "203.0.113.9", "ListUsers", ""},
			{account, "us-east-1", admin, "203.0.113.9", "ListUsers", ""},
			{account, "us-east-1", "", "", "Backdoor:EC2/C&CActivity.B", "i-0123456789abcdef0"},
			{account, "us-east-1", "", "", "Backdoor:EC2/C&CActivity.B!DNS", "i-0123456789abcdef0"},
			{account, "us-east-1", "", "203.0.113.9", "Recon:EC2/PortProbeUnprotectedPort", "i-0123456789abcdef0"},
			{account, "us-east-1", admin, "203.0.113.9", "ListUsers", bucket},
			{account, "us-east-1", "", "203.0.113.9", "create", "arn:aws:eks:us-east-1:111122223333:cluster/shop"},
		},
		"asff/lines.in": {{account, "us-east-1", alice, "203.0.113.9", "ListUsers", ""}, {account, "us-east-1", alice, "203.0.113.9", "ListUsers", ""}},
		"asff/findings.in": {
			{account, "us-east-1", "", "", "Software and Configuration Checks/Industry and Regulatory Standards", ""},
			{account, "us-east-1", "", "", "Software and Configuration Checks/Industry and Regulatory Standards", ""},
			{account, "us-east-1", "", "", "Software and Configuration Checks/Vulnerabilities/CVE", "i-0123456789abcdef0"},
		},
		"awsconfig/snapshot.in":    {{account, "us-east-1", "", "", "ResourceDiscovered", group}, {account, "us-east-1", "", "", "ResourceDiscovered", "sg-9"}},
		"awsconfig/eventbridge.in": {{account, "us-east-1", "", "", "OK", group}, {account, "us-east-1", "", "", "restricted-ssh", "sg-0123"}, {account, "us-east-1", "", "", "restricted-ssh", "sg-0123"}},
	}
	judge := enrich.NewJudge(&enrich.Survey{}, nil, nil)
	for _, path := range services(t) {
		var got []pivots
		err := EachRecord(t.Context(), listed(t, path), func(e *ocsf.Event) {
			var facts enrich.Facts
			facts.Reset(judge, e)
			r := rowOf(e, &facts)
			p := pivots{e.Str(ocsf.CloudAccountUID), e.Str(ocsf.CloudRegion), r.Principal, r.SrcIP, r.Operation, r.Resource}
			for _, s := range []*string{&p.Account, &p.Region, &p.Principal, &p.SrcIP, &p.Operation, &p.Resource} {
				*s = string([]byte(*s)) // the event's memory is used again
			}
			got = append(got, p)
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path)], got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}
