package build.kiln.api.v1alpha1;

/**
 * How strongly a RUN step is separated from the builder; each is a minimum, never silently less.
 */
public enum Isolation {
  /** The strongest that the cluster admits and the node supports. */
  Auto,
  /** A nested user namespace with mount, pid, ipc and uts namespaces of its own. */
  Namespaces,
  /** A private root by chroot, without the capabilities that lead out of it. */
  Chroot,
  /** No RUN at all: only Dockerfiles whose reachable stages have none. */
  NoRun
}
