/**
 * What people see of a build while it runs: its events as plain lines or as a screen that is
 * redrawn. Whatever a step prints, no line of it starts where a record of the work order could. And
 * numbers, as all commands print them.
 */
@NullMarked
package build.kiln.runtime.cli.progress;

import org.jspecify.annotations.NullMarked;
