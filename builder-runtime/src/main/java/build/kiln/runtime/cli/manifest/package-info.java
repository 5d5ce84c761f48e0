/**
 * What {@code kiln run -f FILE} reads: a work order, or a manifest that is checked as an API server
 * would check it. Of a manifest it makes the work order that the operator would make.
 */
@NullMarked
package build.kiln.runtime.cli.manifest;

import org.jspecify.annotations.NullMarked;
