/**
 * What steps came to, by the hash of all they depend on: in the local store and in repositories of
 * registries; and why a step's result is not there. A cache that is broken, half-written or not
 * reachable is a miss, never an error.
 */
@NullMarked
package build.kiln.runtime.cache;

import org.jspecify.annotations.NullMarked;
