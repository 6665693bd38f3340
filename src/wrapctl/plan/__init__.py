"""From desired and live to a plan: matching, diff, order, units, cost, guard. Pure."""
