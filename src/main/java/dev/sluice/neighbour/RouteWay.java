package dev.sluice.neighbour;

import java.util.List;

/**
 * What routes of different destinations may have in common.
 *
 * @param legs the ways of equal cost, at least one
 * @param mtuBytes the routes' own MTU, 0 when the interface's counts
 */
record RouteWay(List<Route.Leg> legs, int mtuBytes) {}
