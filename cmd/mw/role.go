package main

import "context"

// ended is what a role's command returns of what its Run returned: being told
// to stop is no failure.
func ended(ctx context.Context, err error) error {
	if err != nil && stopped(ctx, err) {
		return nil
	}
	return err
}
