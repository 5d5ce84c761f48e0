/**
 * Where build files come from: a local folder, Git, a ConfigMap, files in the manifest. Each
 * becomes a tree of files that COPY and ADD read.
 */
@NullMarked
package build.kiln.runtime.context;

import org.jspecify.annotations.NullMarked;
