package worker

import "errors"

var errStopped = errors.New("worker: stopped")
