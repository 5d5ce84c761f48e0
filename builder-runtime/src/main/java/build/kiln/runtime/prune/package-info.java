/**
 * Deletes from registries what nobody needs. A scan looks what there is and keeps a ledger of when
 * it was first seen, the planner decides from that alone, with a reason for each digest, and the
 * executor carries out a plan and nothing else.
 */
@NullMarked
package build.kiln.runtime.prune;

import org.jspecify.annotations.NullMarked;
