package pipeline

import "strconv"

// mentioned are the accounts that some records speak of: any twelve digits of them, as an account may stand in any text.
type mentioned struct {
	accounts map[int64]struct{}
	many     bool // more than are remembered
}

// maxMentioned bounds them. Above it every account counts as mentioned.
const maxMentioned = 50_000

const accountDigits = 12

func (m *mentioned) put(account int64) {
	if m.accounts == nil {
		m.accounts = map[int64]struct{}{}
	}
	if _, known := m.accounts[account]; !known && len(m.accounts) >= maxMentioned {
		m.many = true
		return
	}
	m.accounts[account] = struct{}{}
}

// add takes in what a text mentions. The end of a UUID that happens to be digits is no account.
func (m *mentioned) add(text []byte) {
	run, number := 0, int64(0)
	for i := 0; i <= len(text); i++ {
		if i < len(text) && text[i] >= '0' && text[i] <= '9' {
			if run++; run <= accountDigits {
				number = number*10 + int64(text[i]-'0')
			}
			continue
		}
		if at := i - accountDigits; run == accountDigits && (at < 15 || text[at-1] != '-' || text[at-6] != '-' || text[at-11] != '-') {
			m.put(number)
		}
		run, number = 0, 0
	}
}

// has reports whether an account may be mentioned.
func (m *mentioned) has(account string) bool {
	n, err := strconv.ParseInt(account, 10, 64)
	_, is := m.accounts[n]
	return m.many || is && err == nil && len(account) == accountDigits
}
