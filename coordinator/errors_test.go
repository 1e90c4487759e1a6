package coordinator

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"

	"github.com/go-zookeeper/zk"
)

func TestTranslate(t *testing.T) {
	code := func(n int) error { return fmt.Errorf("unknown error: %v", zk.ErrCode(n)) } // as the library does
	tests := []struct {
		in   error
		kind class
		want error
	}{
		{nil, definite, nil},
		{zk.ErrNoNode, definite, ErrNoNode},
		{fmt.Errorf("wrapped: %w", zk.ErrBadVersion), definite, ErrBadVersion},
		{code(-6), definite, ErrRefused},   // unimplemented
		{code(-125), definite, ErrRefused}, // quota exceeded
		{code(-127), notNow, ErrTryLater},  // throttled
		{code(-7), notNow, ErrTryLater},    // the disk is full
		{zk.ErrNoServer, notExecuted, ErrNoServer},
		{zk.ErrSessionExpired, sessionOver, ErrSessionLost},
		{zk.ErrSessionMoved, sessionOver, ErrSessionLost},
		{zk.ErrConnectionClosed, unknown, ErrUnknownOutcome},
		{zk.ErrClosing, unknown, ErrUnknownOutcome},
		{&net.OpError{Op: "write", Err: syscall.EPIPE}, unknown, ErrUnknownOutcome},
		{errors.New("whatever"), unknown, ErrUnknownOutcome},
		{zk.ErrAPIError, garbled, ErrUnknownOutcome},
		{zk.ErrShortBuffer, garbled, ErrUnknownOutcome},
		{code(-4), garbled, ErrUnknownOutcome}, // connection loss, in a reply
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.in), func(t *testing.T) {
			kind, err := translate(tt.in)
			if kind != tt.kind || !errors.Is(err, tt.want) {
				t.Errorf("translate = %d, %v, want %d, %v", kind, err, tt.kind, tt.want)
			}
			if kind != definite && !errors.Is(err, tt.in) && kind != garbled && kind != notNow {
				t.Errorf("translate hides the reason: %v", err)
			}
		})
	}
}

func TestRefusalOfAMulti(t *testing.T) {
	after := errors.New("unknown error: -2")
	tests := []struct {
		name    string
		answers []error
		want    int
	}{
		{"none", []error{nil, nil}, -1},
		{"first", []error{zk.ErrNoNode, after}, 0},
		{"second", []error{nil, zk.ErrBadVersion, after}, 1},
		{"those before are marked, too", []error{after, zk.ErrBadVersion, after}, 1},
		{"nothing else", []error{nil, after}, 1},
		{"no answers", nil, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var answers []zk.MultiResponse
			for _, err := range tt.answers {
				answers = append(answers, zk.MultiResponse{Error: err})
			}
			if got := refusal(answers); got != tt.want {
				t.Errorf("refusal = %d, want %d", got, tt.want)
			}
		})
	}
}
