package main

import "testing"

// "mw top" was answered with: did you mean "help"?
func TestOnlyAWordThatIsNearIsSuggested(t *testing.T) {
	var names []string
	for _, c := range newApp().VisibleCommands() {
		names = append(names, c.Name)
	}
	for word, want := range map[string]string{
		"sumbit": "submit", "submti": "submit", "statsu": "status", "sever": "server", "worker": "worker", "log": "logs", "pss": "ps",
		"kancel": "cancel", "retri": "retry", "top": "", "foo": "", "completion": "", "ls": "", "": "", "x": "", "é": "",
	} {
		if got := nearest(word, names); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abcd", "acbd", 1}, {"kitten", "sitting", 3}} {
		if got := edits(tt.a, tt.b); got != tt.want {
			t.Errorf("edits(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
