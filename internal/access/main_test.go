package access

import (
	"os"
	"testing"

	"github.com/tocsin-security/tocsin/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }
