package access

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// The cost of a password's hash: argon2id with 19 MiB, two passes, one lane, the least that OWASP's Password Storage Cheat Sheet
// recommends. About 30 ms on one core: what a sign-in may cost, and what makes guessing dear.
const (
	argonTime, argonMemory, argonLanes = 2, 19 << 10, 1
	saltBytes, keyBytes                = 16, 32
)

// The lengths of a password, in characters. NIST SP 800-63B-4 asks for 15 where a password is all there is.
const (
	MinPassword = 15
	MaxPassword = 256
)

// ErrPassword says that a password is of no fit length.
var ErrPassword = fmt.Errorf("a password has %d to %d characters; a sentence is easiest to remember", MinPassword, MaxPassword)

// hashPassword returns a hash in the PHC string format.
func hashPassword(password string) (string, error) {
	if n := utf8.RuneCountInString(password); n < MinPassword || n > MaxPassword {
		return "", ErrPassword
	}
	salt := make([]byte, saltBytes)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, keyBytes)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes, b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

var errHash = errors.New("the password's hash is of no known form")

// checkPassword compares in constant time. A hash of another cost than today's is checked at its own.
func checkPassword(hash, password string) (bool, error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, errHash
	}
	var version int
	var memory, passes uint32
	var lanes uint8
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes, &lanes); err != nil || version != argon2.Version || memory > 1<<20 || passes > 16 {
		return false, errHash
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, errHash
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) != keyBytes {
		return false, errHash
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, lanes, keyBytes)
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}
