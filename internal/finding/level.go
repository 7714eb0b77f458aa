package finding

import (
	"fmt"
	"strings"
)

var levelNames = [...]string{"", "informational", "low", "medium", "high", "critical"}

// String returns the Sigma name of the level, "informational" to "critical", or "" for the zero level.
func (l Level) String() string {
	if int(l) >= len(levelNames) {
		return fmt.Sprintf("level(%d)", uint8(l))
	}
	return levelNames[l]
}

// ParseLevel reads a Sigma level name.
func ParseLevel(name string) (Level, error) {
	for i, n := range levelNames {
		if i > 0 && n == strings.ToLower(name) {
			return Level(i), nil //nolint:gosec // i is below 6
		}
	}
	return 0, fmt.Errorf("level %q is not one of %s", name, strings.Join(levelNames[1:], ", "))
}

// MarshalText writes the level's name.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (l *Level) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*l = 0
		return nil
	}
	parsed, err := ParseLevel(string(text))
	if err != nil {
		return err
	}
	*l = parsed
	return nil
}

// Levels lists all levels from informational to critical.
func Levels() []Level { return []Level{Informational, Low, Medium, High, Critical} }
