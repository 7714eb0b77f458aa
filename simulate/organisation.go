package simulate

import (
	"fmt"
	"math/rand/v2"
)

// account is one AWS account of the organisation.
type account struct{ id, name, kind string }

var accounts = []account{
	{"210987650001", "management", "management"},
	{"210987650002", "security", "security"},
	{"210987650003", "production", "production"},
	{"210987650004", "staging", "staging"},
	{"210987650005", "development", "development"},
	{"210987650006", "data", "production"},
	{"210987650007", "sandbox", "sandbox"},
}

const (
	management, security, production, staging, development, data, sandbox = 0, 1, 2, 3, 4, 5, 6
	scannerAccount                                                        = "664520019238"
	orgID                                                                 = "o-7f3kq2m9xa"
)

var regions = []string{"eu-west-1", "eu-central-1", "us-east-1"}

// person works through single sign-on.
type person struct {
	name, permission string
	ip               string
	tool             string
	accounts         []int
	offset           int // hours from UTC
	busy             float64
}

var (
	firstNames = []string{"maria", "jonas", "aisha", "tom", "li", "sofia", "omar", "nina", "paul", "ines", "viktor", "amara", "felix", "yuki", "clara", "david", "leila", "marc", "olga", "ben"}
	lastNames  = []string{"huber", "novak", "silva", "meyer", "okafor", "rossi", "chen", "dubois", "larsen", "kaya"}
)

// homes are addresses of ordinary providers: offices and homes of the staff.
var homes = []struct {
	prefix string
	offset int
}{{"91.64.%d.%d", 1}, {"84.112.%d.%d", 1}, {"81.140.%d.%d", 0}, {"90.92.%d.%d", 1}, {"73.15.%d.%d", -8}}

const office = "194.25.17.80" // everybody's address on office days

func people(r *rand.Rand) []person {
	var out []person
	kinds := []struct {
		permission string
		tool       string
		accounts   []int
		n          int
		busy       float64
	}{
		{"DeveloperAccess", cli, []int{development, staging, sandbox}, 12, 1},
		{"DataScientist", boto, []int{data, sandbox}, 4, 0.9},
		{"OperatorAccess", browser, []int{production, staging}, 5, 1.1},
		{"AdministratorAccess", cli, []int{management, security, production}, 3, 0.6},
		{"BillingReadOnly", browser, []int{management}, 2, 0.3},
	}
	for _, k := range kinds {
		for range k.n {
			h := homes[r.IntN(len(homes))]
			name := firstNames[len(out)%len(firstNames)] + "." + lastNames[(len(out)*3+len(out)/10)%len(lastNames)] + "@example.org"
			out = append(out, person{name, k.permission, fmt.Sprintf(h.prefix, 1+r.IntN(250), 1+r.IntN(250)), k.tool, k.accounts, h.offset, k.busy})
		}
	}
	return out
}

// user agents of real tools.
const (
	cli       = "aws-cli/2.31.12 md/awscrt#0.27.6 ua/2.1 os/macos#24.6.0 md/arch#arm64 lang/python#3.13.7 md/pyimpl#CPython"
	boto      = "Boto3/1.40.50 md/Botocore#1.40.50 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.12.3"
	browser   = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36"
	terraform = "APN/1.0 HashiCorp/1.0 Terraform/1.14.0 (+https://www.terraform.io) terraform-provider-aws/6.20.0 aws-sdk-go-v2/1.39.2 os/linux lang/go#1.26"
	sdkGo     = "aws-sdk-go-v2/1.39.2 ua/2.1 os/linux lang/go#1.26.1 md/GOARCH#arm64 api/s3#1.88"
	sdkJava   = "aws-sdk-java/2.35.0 md/io#sync md/http#Apache ua/2.1 os/Linux#5.10 lang/java#21.0.8"
)

// Environment is the environment.yaml that the organisation keeps.
func Environment() []byte {
	out := "organisation: {id: " + orgID + "}\naccounts:\n"
	for _, a := range accounts {
		out += fmt.Sprintf("  - {id: %q, name: %s, kind: %s}\n", a.id, a.name, a.kind)
	}
	out += fmt.Sprintf("trusted_accounts:\n  - {id: %q, name: posture scanner, purpose: reads configuration every night}\n", scannerAccount)
	out += "regions: [eu-west-1, eu-central-1, us-east-1]\nnetworks:\n  - {cidr: 194.25.17.80/32, name: office}\n"
	out += "automation_roles:\n  - {arn: \"arn:aws:iam::*:role/github-deploy\", purpose: CI}\n  - {arn: \"arn:aws:iam::*:role/terraform\", purpose: infrastructure as code}\n"
	out += "break_glass:\n  - {arn: \"arn:aws:iam::*:role/break-glass\", purpose: emergencies}\nscanners:\n  - {arn: \"arn:aws:iam::*:role/posture-scanner\", purpose: nightly posture scan}\n"
	out += "critical:\n  - {arn: \"arn:aws:s3:::example-customer-records*\", why: customer data}\n  - {arn: \"example-customer-records*\", why: customer data}\nworking_hours: {timezone: Europe/Berlin, days: [mon, tue, wed, thu, fri], from: \"08:00\", to: \"19:00\"}\n"
	return []byte(out)
}
