internal import NIOCore

extension ByteBuffer {
    /// Puts more bytes behind those that have not been read. What was read goes once it is more than what is copied for
    /// that, or more than 64 KiB: a stream whose chunks never end where messages do would otherwise be kept from its
    /// beginning.
    mutating func join(_ more: ByteBuffer) {
        guard readableBytes > 0 else {
            self = more
            return
        }
        if readerIndex > Swift.min(readableBytes, 65_536) {
            var joined = ByteBufferAllocator().buffer(capacity: readableBytes + more.readableBytes)
            joined.writeImmutableBuffer(self)
            self = joined
        }
        writeImmutableBuffer(more)
    }
}
