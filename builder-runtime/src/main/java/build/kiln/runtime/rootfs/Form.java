package build.kiln.runtime.rootfs;

/** What a layer is unpacked into. */
sealed interface Form {
  /** A directory of its own, for use as an overlay's lower: removals become overlay's marks. */
  record Lower(OverlayMarks marks) implements Form {
    @Override
    public String nameOnDisk(String xattr) {
      return marks.escape(xattr);
    }
  }

  /** A directory that holds the layers below: removals are carried out. */
  record Merged() implements Form {
    @Override
    public String nameOnDisk(String xattr) {
      return xattr;
    }
  }

  /** The name under which an attribute is kept. */
  String nameOnDisk(String xattr);
}
