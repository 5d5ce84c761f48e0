/**
 * A registry in the process, for the quickstart and for tests: the distribution API over the JDK's
 * HTTP server, with faults to order. Not meant to hold images that matter.
 */
@NullMarked
package build.kiln.runtime.registry.embedded;

import org.jspecify.annotations.NullMarked;
