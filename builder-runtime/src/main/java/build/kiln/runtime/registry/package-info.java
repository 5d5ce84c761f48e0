/**
 * The distribution client: manifests and blobs in and out of registries, authentication, mirrors,
 * and the configuration people know from docker. An embedded registry lives in registry.embedded.
 */
@NullMarked
package build.kiln.runtime.registry;

import org.jspecify.annotations.NullMarked;
