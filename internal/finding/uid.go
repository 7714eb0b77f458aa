package finding

import (
	"crypto/sha256"
	"encoding/hex"
)

// UID names a thing by what identifies it: the first 16 bytes of SHA-256 over the parts, hex. Parts are separated
// by a zero byte, so ("ab", "c") and ("a", "bc") differ.
func UID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
