package main

import (
	"context"
	"errors"
)

// ended is what a role's command returns of what its Run returned: being told
// to stop is no failure.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx))) {
		return nil
	}
	return err
}
