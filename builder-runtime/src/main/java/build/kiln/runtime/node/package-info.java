/**
 * Which images of a node no container needs, by what earlier runs saw, and their removal through
 * the node's container runtime. The plan is pure; what is removed was looked at twice.
 */
@NullMarked
package build.kiln.runtime.node;

import org.jspecify.annotations.NullMarked;
