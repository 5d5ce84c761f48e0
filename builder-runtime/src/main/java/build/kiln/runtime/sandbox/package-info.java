/**
 * How a RUN step runs: probing what the machine allows, the strongest launcher that works, and what
 * it was, said in words.
 */
@NullMarked
package build.kiln.runtime.sandbox;

import org.jspecify.annotations.NullMarked;
