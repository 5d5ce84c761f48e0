/** What tests of all kinds need: an API server in memory with the operator on it. */
@NullMarked
package build.kiln.operator.testkit;

import org.jspecify.annotations.NullMarked;
