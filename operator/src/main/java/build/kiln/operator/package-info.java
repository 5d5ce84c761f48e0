/**
 * The operator as a process: settings in, reconcilers started, health and metrics served, stopped
 * without losing anything. What a reconciler does is in the packages below.
 */
@NullMarked
package build.kiln.operator;

import org.jspecify.annotations.NullMarked;
