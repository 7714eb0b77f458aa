// Package storetest gives the tests of stores a real PostgreSQL beside SQLite.
//
// In: the programs of PostgreSQL, where they are installed (build/test-setup.sh installs them). Out: the address of an empty database for
// each test that asks, on a cluster of this process alone: in a temporary folder, on a free port of the loopback. Promises: the
// cluster ends with the process, however that ends. Where PostgreSQL is missing a test is skipped, and fails with CI=true.
package storetest
