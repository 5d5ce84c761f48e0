/**
 * The content-addressed local store: blobs, tags, the step cache, and images in and out as OCI
 * layouts and docker archives.
 */
@NullMarked
package build.kiln.runtime.store;

import org.jspecify.annotations.NullMarked;
