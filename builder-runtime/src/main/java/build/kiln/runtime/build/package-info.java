/**
 * A Dockerfile and a context become an image: graph, cache keys, scheduler, steps, exporter, and
 * the events that progress and reports are made of.
 */
@NullMarked
package build.kiln.runtime.build;

import org.jspecify.annotations.NullMarked;
