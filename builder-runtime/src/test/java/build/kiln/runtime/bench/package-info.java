/**
 * The benchmark of whole builds, Kiln beside other builders on the same work in one run: {@code
 * builder-runtime/benchmarks/builders}. It runs in a PID and mount namespace of its own, so that
 * all processes it sees are those it started, and none outlives it.
 */
@NullMarked
package build.kiln.runtime.bench;

import org.jspecify.annotations.NullMarked;
