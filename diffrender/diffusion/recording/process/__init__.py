"""Recording what another program samples, in its own process: what `diffrender record` puts there."""
