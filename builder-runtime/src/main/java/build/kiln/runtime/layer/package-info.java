/**
 * Layers as tar streams: reading, writing, compression, digests, whiteouts, and an index of what a
 * layer holds. Everything is streamed; memory does not grow with the layer.
 */
@NullMarked
package build.kiln.runtime.layer;

import org.jspecify.annotations.NullMarked;
