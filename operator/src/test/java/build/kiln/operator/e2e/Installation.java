package build.kiln.operator.e2e;

/** Kiln, installed. */
record Installation(Cluster cluster) {
  static Installation install(Cluster cluster) {
    return new Installation(cluster);
  }
}
