package simulate

import (
	"fmt"
	"hash/fnv"
	"strings"
)

// machine is an EC2 instance as flow logs and the Resolver know it.
type machine struct {
	account         int
	region          string
	id, eni         string
	private, public string
	vpc, subnet     string
}

// fleet lists the workloads of the organisation that have flow logs and query logs: those whose calls CloudTrail shows. Staging has neither log.
func fleet() []machine {
	var out []machine
	for _, acc := range []int{production, data} {
		for n := range 4 {
			out = append(out, machineOf(acc, regions[0], fmt.Sprintf("i-0a%d%d3c4d5e6f708192", acc, n), fmt.Sprintf("10.%d.1.%d", 10+acc, 20+n), fmt.Sprintf("34.240.%d.%d", 10+acc, 20+n)))
		}
	}
	return append(out, machineOf(data, regions[0], "i-0f6e5d4c3b2a19080", "10.15.2.14", "34.241.9.14"))
}

func machineOf(acc int, region, id, private, public string) machine {
	return machine{acc, region, id, "eni-" + hash(id, 17), private, public, vpcOf(acc, region), "subnet-" + hash(private[:strings.LastIndexByte(private, '.')]+accounts[acc].id, 17)}
}

func vpcOf(acc int, region string) string { return "vpc-" + hash("vpc"+accounts[acc].id+region, 17) }

// hash is n hexadecimal digits that belong to a text.
func hash(text string, n int) string {
	out := ""
	for i := 0; len(out) < n; i++ {
		h := fnv.New64a()
		fmt.Fprint(h, text, i)
		out += fmt.Sprintf("%016x", h.Sum64())
	}
	return out[:n]
}

// addressOf is an address of AWS at which a service answers in a Region.
func addressOf(service, region string) string {
	h := fnv.New32a()
	fmt.Fprint(h, service, region)
	sum := h.Sum32()
	if service == "s3" {
		return fmt.Sprintf("52.218.%d.%d", sum%128, sum>>8%254+1)
	}
	return fmt.Sprintf("52.94.%d.%d", sum%254+1, sum>>8%254+1)
}

// The shop's load balancer, and what it stands in.
const (
	shopName     = "shop.example.org"
	shopBalancer = "shop/5f2c9d1e8a7b6c34"
	shopACL      = "shop"
)

// balancerNodes are the private addresses of the load balancer in its zones.
var balancerNodes = []string{"10.12.0.11", "10.12.0.43"}

// bucketOwners say whose account a bucket belongs to.
var bucketOwners = map[string]int{"example-customer-records": data, "example-analytics-lake": data, "example-assets": production}
